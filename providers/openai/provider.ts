import { createHash } from 'node:crypto'
import { renderOpenAiRequest } from '../../formats/openai-request.ts'
import type { Catalog } from '../../models/catalog.ts'
import type { Provider } from '../provider.ts'
import type { ProviderSettings } from '../provider-settings.ts'
import { cancelBatch, createBatch, listBatches, retrieveBatch } from './batches.ts'
import { createOpenAiContext } from './client.ts'
import { deleteFiles, uploadFile } from './files.ts'
import { completeRealtime } from './realtime.ts'
import { readResults } from './results.ts'

/** OpenAI's Batch API (https://developers.openai.com/api/docs/guides/batch), or that of an endpoint that speaks its protocol. */
export function createOpenAiProvider(settings: ProviderSettings & { readonly apiKey: string }, catalog: Catalog): Provider {
  const context = createOpenAiContext(settings)
  const documented = catalog.providerLimits(settings.kind)
  return {
    name: settings.name,
    kind: 'openai',
    simulated: settings.simulated,
    hasMarkers: true,
    keyFingerprint: createHash('sha256').update(settings.apiKey).digest('hex').slice(0, 12),

    limits: (model) => ({
      maxRequests: Math.min(documented.maxRequests, settings.maxBatchRequests ?? Number.POSITIVE_INFINITY),
      maxBytes: Math.min(documented.maxBytes, settings.maxBatchBytes ?? Number.POSITIVE_INFINITY),
      maxTokens: settings.enqueuedTokens?.[model] ?? null,
    }),
    prices: (model, at) => catalog.prices(settings.kind, model, at),
    render: (request, defaults, revision) =>
      renderOpenAiRequest(request, defaults, (model) => catalog.capabilities(settings.kind, model), revision),
    line: (itemId, { endpoint, body }) => JSON.stringify({ custom_id: itemId, method: 'POST', url: endpoint, body }),

    upload: (input) => uploadFile(context, input),
    create: (input) => createBatch(context, input),
    list: (since, signal) => listBatches(context, since, signal),
    retrieve: (id, signal) => retrieveBatch(context, id, signal),
    cancel: (id, signal) => cancelBatch(context, id, signal),
    results: (batch, signal) => readResults(context, batch, signal),
    deleteFiles: (fileIds, signal) => deleteFiles(context, fileIds, signal),
    complete: (rendered, signal) => completeRealtime(context, rendered, signal),
  }
}
