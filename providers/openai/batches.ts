import { type CreateInput, ProviderError, type ProviderBatch } from '../provider.ts'
import { toProviderBatch } from './batch-object.ts'
import { type BatchPage, listBack, pageSize, toPage } from '../list-back.ts'
import { cancelUnlessEnded } from '../cancel-unless-ended.ts'
import { createSinglePost } from '../single-post.ts'
import type { OpenAiContext } from './client.ts'
import { toProviderError } from './errors.ts'

type BatchEndpoint = Parameters<OpenAiContext['client']['batches']['create']>[0]['endpoint']

/** Result files go by themselves after the 30 days that OpenAI keeps them by default; said here so that it doesn't depend on that. */
const resultFileSeconds = 30 * 24 * 3600

/** One single POST: no retry, no redirect followed, `beforeSend` right before it. */
export async function createBatch({ client, timeouts }: OpenAiContext, input: CreateInput): Promise<ProviderBatch> {
  if (input.inputFileId === null)
    throw new ProviderError('create: an OpenAI batch needs an input file', { kind: 'invalid', certainlyNotApplied: true })
  const post = createSinglePost(input.beforeSend, 'manual')
  try {
    const batch: unknown = await client.withOptions({ fetch: post.fetch }).batches.create(
      {
        input_file_id: input.inputFileId,
        endpoint: input.endpoint as BatchEndpoint,
        completion_window: '24h',
        // Shown in OpenAI's own console; 512 characters at most.
        metadata: { batchwright: input.displayName.slice(0, 512) },
        output_expires_after: { anchor: 'created_at', seconds: resultFileSeconds },
      },
      { signal: input.signal, timeout: timeouts.createMs, maxRetries: 0 },
    )
    return toProviderBatch(batch, 'create')
  } catch (error) {
    post.rethrowRefusal()
    throw toProviderError(error, 'create', { creates: true })
  }
}

export async function retrieveBatch({ client }: OpenAiContext, id: string, signal: AbortSignal): Promise<ProviderBatch> {
  try {
    return toProviderBatch(await client.batches.retrieve(id, { signal }), `batch ${id}`)
  } catch (error) {
    throw toProviderError(error, `batch ${id}`)
  }
}

/** Newest first, as OpenAI lists them. The pages are not followed by the SDK, which takes an empty page for the end. */
export function listBatches({ client }: OpenAiContext, since: Date, signal: AbortSignal): AsyncGenerator<ProviderBatch> {
  return listBack(since, (after) => readPage(client, after, signal))
}

async function readPage(client: OpenAiContext['client'], after: string | null, signal: AbortSignal): Promise<BatchPage> {
  try {
    const query = after === null ? { limit: pageSize } : { limit: pageSize, after }
    return toPage(await client.get<unknown>('/batches', { query, signal }), toProviderBatch)
  } catch (error) {
    throw toProviderError(error, 'list batches')
  }
}

/** Asks for cancellation. OpenAI answers 409 when there is nothing left to cancel, which is what was wanted. */
export async function cancelBatch(context: OpenAiContext, id: string, signal: AbortSignal): Promise<void> {
  await cancelUnlessEnded(
    async () => {
      try {
        await context.client.batches.cancel(id, { signal })
      } catch (error) {
        throw toProviderError(error, `cancel batch ${id}`)
      }
    },
    () => retrieveBatch(context, id, signal),
  )
}
