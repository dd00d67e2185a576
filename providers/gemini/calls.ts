import type { ProviderCalls } from '../provider.ts'
import type { ProviderSettings } from '../provider-settings.ts'
import { cancelBatch, createBatch, listBatches, retrieveBatch } from './batches.ts'
import { createGeminiContext } from './client.ts'
import { deleteFiles, uploadFile } from './files.ts'
import type { InlineRule } from './inline.ts'
import { completeRealtime } from './realtime.ts'
import { readResults } from './results.ts'

export function createCalls(
  settings: ProviderSettings & { readonly apiKey: string },
  expiresAfterMs: number,
  inline: InlineRule,
): ProviderCalls {
  const context = createGeminiContext(settings, expiresAfterMs, inline)
  return {
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
