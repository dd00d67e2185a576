import { cancelUnlessEnded } from '../cancel-unless-ended.ts'
import { type BatchPage, listBack, pageSize, toPage } from '../list-back.ts'
import { type CreateInput, ProviderError, type ProviderBatch } from '../provider.ts'
import { createSinglePost, unclonedBody } from '../single-post.ts'
import { toProviderBatch } from './batch-object.ts'
import type { AnthropicContext } from './client.ts'
import { toProviderError } from './errors.ts'
import { openRequestBody } from './request-body.ts'

const batchesPath = '/v1/messages/batches'

/**
 * One single POST with all requests in it, streamed from the spool file: no retry, no redirect followed, `beforeSend` right before it. It takes as long as
 * an upload: the caller's signal is the deadline.
 */
export async function createBatch(context: AnthropicContext, input: CreateInput): Promise<ProviderBatch> {
  if (input.path == null) {
    throw new ProviderError('create: an Anthropic batch needs the file of its requests', {
      kind: 'invalid',
      certainlyNotApplied: true,
    })
  }
  const post = createSinglePost(input.beforeSend, 'error')
  const body = await openRequestBody(input.path)
  try {
    const batch: unknown = await context.client.withOptions({ fetch: context.authorized(post.fetch) }).post(batchesPath, {
      body: body.stream,
      headers: { 'content-type': 'application/json', 'content-length': String(body.contentLength) },
      signal: input.signal,
      timeout: context.timeouts.uploadMs,
      maxRetries: 0,
      fetchOptions: unclonedBody,
    })
    return toProviderBatch(batch, 'create')
  } catch (error) {
    post.rethrowRefusal()
    throw toProviderError(error, 'create', { creates: true })
  } finally {
    await body.close()
  }
}

export async function retrieveBatch({ client }: AnthropicContext, id: string, signal: AbortSignal): Promise<ProviderBatch> {
  try {
    return toProviderBatch(await client.messages.batches.retrieve(id, {}, { signal }), `batch ${id}`)
  } catch (error) {
    throw toProviderError(error, `batch ${id}`)
  }
}

/** Newest first: https://platform.claude.com/docs/en/api/messages/batches/list */
export function listBatches({ client }: AnthropicContext, since: Date, signal: AbortSignal): AsyncGenerator<ProviderBatch> {
  return listBack(since, (afterId) => readPage(client, afterId, signal))
}

async function readPage(client: AnthropicContext['client'], afterId: string | null, signal: AbortSignal): Promise<BatchPage> {
  try {
    const query = { limit: pageSize, ...(afterId === null ? {} : { after_id: afterId }) }
    return toPage(await client.get<unknown>(batchesPath, { query, signal }), toProviderBatch)
  } catch (error) {
    throw toProviderError(error, 'list batches')
  }
}

/** Asks for cancellation: https://platform.claude.com/docs/en/api/messages/batches/cancel */
export async function cancelBatch(context: AnthropicContext, id: string, signal: AbortSignal): Promise<void> {
  const cancel = async () => {
    try {
      await context.client.messages.batches.cancel(id, {}, { signal })
    } catch (error) {
      throw toProviderError(error, `cancel batch ${id}`)
    }
  }
  await cancelUnlessEnded(cancel, () => retrieveBatch(context, id, signal))
}
