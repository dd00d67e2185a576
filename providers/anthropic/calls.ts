import type { ProviderCalls } from '../provider.ts'
import type { ProviderSettings } from '../provider-settings.ts'
import { cancelBatch, createBatch, listBatches, retrieveBatch } from './batches.ts'
import { createAnthropicContext } from './client.ts'
import { completeRealtime } from './realtime.ts'
import { readResults } from './results.ts'

export function createCalls(settings: ProviderSettings & { readonly apiKey: string }): ProviderCalls {
  const context = createAnthropicContext(settings)
  return {
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
