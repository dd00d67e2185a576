import { lineOf, renderers } from '../../formats/renderers.ts'
import type { Catalog } from '../../models/catalog.ts'
import type { Provider } from '../provider.ts'
import { configuredLimits, keyFingerprint, type ProviderSettings } from '../provider-settings.ts'
import { cancelBatch, createBatch, listBatches, retrieveBatch } from './batches.ts'
import { createAnthropicContext } from './client.ts'
import { completeRealtime } from './realtime.ts'
import { readResults } from './results.ts'

/** Anthropic's Message Batches API: https://platform.claude.com/docs/en/build-with-claude/batch-processing */
export function createAnthropicProvider(settings: ProviderSettings & { readonly apiKey: string }, catalog: Catalog): Provider {
  const context = createAnthropicContext(settings)
  const documented = catalog.providerLimits(settings.kind)
  return {
    name: settings.name,
    kind: 'anthropic',
    simulated: settings.simulated,
    marker: null,
    keyFingerprint: keyFingerprint(settings.apiKey),

    limits: (model) => configuredLimits(documented, settings, model),
    prices: (model, at) => catalog.prices(settings.kind, model, at),
    render: (request, defaults, revision) =>
      renderers.anthropic(request, defaults, (model) => catalog.capabilities(settings.kind, model), revision),
    line: (itemId, rendered) => lineOf('anthropic', itemId, rendered),

    // There are no files: the requests travel in the create.
    upload: () => Promise.resolve({ inputFileId: null }),
    create: (input) => createBatch(context, input),
    list: (since, signal) => listBatches(context, since, signal),
    retrieve: (id, signal) => retrieveBatch(context, id, signal),
    cancel: (id, signal) => cancelBatch(context, id, signal),
    results: (batch, signal) => readResults(context, batch, signal),
    // A batch could be deleted with its requests and results. It is not: it would be missing from the list by which submissions are settled and late twins
    // found, and its results could not be read again. All of it goes by itself 29 days after its creation.
    deleteFiles: () => Promise.resolve(),
    complete: (rendered, signal) => completeRealtime(context, rendered, signal),
  }
}
