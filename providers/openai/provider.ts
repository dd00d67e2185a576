import { lineOf, renderers } from '../../formats/renderers.ts'
import type { Catalog } from '../../models/catalog.ts'
import type { Provider } from '../provider.ts'
import { configuredLimits, keyFingerprint, type ProviderSettings } from '../provider-settings.ts'
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
    marker: 'input_file',
    keyFingerprint: keyFingerprint(settings.apiKey),

    limits: (model) => configuredLimits(documented, settings, model),
    prices: (model, at) => catalog.prices(settings.kind, model, at),
    render: (request, defaults, revision) =>
      renderers.openai(request, defaults, (model) => catalog.capabilities(settings.kind, model), revision),
    line: (itemId, rendered) => lineOf('openai', itemId, rendered),

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
