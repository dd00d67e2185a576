import { lineOf, renderers } from '../../formats/renderers.ts'
import type { Catalog } from '../../models/catalog.ts'
import type { Provider } from '../provider.ts'
import { configuredLimits, keyFingerprint, type ProviderSettings } from '../provider-settings.ts'
import { cancelBatch, createBatch, listBatches, retrieveBatch } from './batches.ts'
import { createGeminiContext, defaultInlineRule } from './client.ts'
import { deleteFiles, uploadFile } from './files.ts'
import { completeRealtime } from './realtime.ts'
import { readResults } from './results.ts'

/** The Batch API of the Gemini Developer API: https://ai.google.dev/gemini-api/docs/batch-api */
export function createGeminiProvider(
  settings: ProviderSettings & { readonly apiKey: string },
  catalog: Catalog,
  inline = defaultInlineRule,
): Provider {
  const documented = catalog.providerLimits(settings.kind)
  const context = createGeminiContext(settings, documented.expiresAfterMs, inline)
  return {
    name: settings.name,
    kind: 'gemini',
    simulated: settings.simulated,
    marker: 'display_name',
    keyFingerprint: keyFingerprint(settings.apiKey),

    // The number of requests is ours, and not Gemini's: who configures more knows what an expiry costs.
    limits: (model) => ({
      ...configuredLimits(documented, settings, model),
      maxRequests: settings.maxBatchRequests ?? documented.maxRequests,
    }),
    prices: (model, at) => catalog.prices(settings.kind, model, at),
    render: (request, defaults, revision) =>
      renderers.gemini(request, defaults, (model) => catalog.capabilities(settings.kind, model), revision),
    line: (itemId, rendered) => lineOf('gemini', itemId, rendered),

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
