import { z } from 'zod'
import { type CreateInput, isTerminalAtProvider, ProviderError, type ProviderBatch } from '../provider.ts'
import { toProviderBatch } from './batch-object.ts'
import type { OpenAiContext } from './client.ts'
import { toProviderError } from './errors.ts'

type BatchEndpoint = Parameters<OpenAiContext['client']['batches']['create']>[0]['endpoint']

/** Result files go by themselves after the 30 days that OpenAI keeps them by default; said here so that it doesn't depend on that. */
const resultFileSeconds = 30 * 24 * 3600

/** One single POST: no retry, no redirect followed, `beforeSend` right before it. */
export async function createBatch({ client, timeouts }: OpenAiContext, input: CreateInput): Promise<ProviderBatch> {
  if (input.inputFileId === null)
    throw new ProviderError('create: an OpenAI batch needs an input file', { kind: 'invalid', certainlyNotApplied: true })
  let refusedToSend: { error: unknown } | null = null
  // The SDK does asynchronous work before it calls fetch, in which the deadline may pass: the check belongs here.
  const checkedFetch: typeof fetch = (url, init) => {
    try {
      input.beforeSend()
    } catch (error) {
      refusedToSend = { error }
      throw error
    }
    return fetch(url, { ...init, redirect: 'manual' })
  }
  try {
    const batch: unknown = await client.withOptions({ fetch: checkedFetch }).batches.create(
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
    // What `beforeSend` threw is the caller's own; nothing has left.
    if (refusedToSend !== null) throw (refusedToSend as { error: unknown }).error
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

const listPage = z.object({ data: z.array(z.unknown()), has_more: z.boolean() })
const pageSize = 100
/** OpenAI stamps batches in whole seconds by its own clock, `since` is ours. */
const clockToleranceMs = 5 * 60_000

/**
 * Newest first, as OpenAI lists them, until a whole page is older than `since`. The pages are followed here, because the SDK takes an empty page
 * for the end: a list that is read halfway would let us conclude that a batch does not exist, and pay for it twice.
 */
export async function* listBatches({ client }: OpenAiContext, since: Date, signal: AbortSignal): AsyncGenerator<ProviderBatch> {
  const oldest = since.getTime() - clockToleranceMs
  let after: string | null = null
  for (;;) {
    const page = await readPage(client, after, signal)
    yield* page.batches
    const last = page.batches.at(-1)
    if (!page.hasMore || page.batches.every((batch) => batch.createdAt.getTime() < oldest)) return
    if (last === undefined || last.id === after) {
      throw new ProviderError('list batches: the list says that it goes on, but gives nothing to go on from', {
        kind: 'transient',
        code: 'list_incomplete',
      })
    }
    after = last.id
  }
}

async function readPage(
  client: OpenAiContext['client'],
  after: string | null,
  signal: AbortSignal,
): Promise<{ batches: ProviderBatch[]; hasMore: boolean }> {
  try {
    const query = after === null ? { limit: pageSize } : { limit: pageSize, after }
    const answer: unknown = await client.get('/batches', { query, signal })
    const page = listPage.safeParse(answer)
    if (!page.success)
      throw new ProviderError('list batches: the answer is not a list', {
        kind: 'transient',
        code: 'unreadable_answer',
        cause: page.error,
      })
    return { batches: page.data.data.map((batch) => toProviderBatch(batch, 'list batches')), hasMore: page.data.has_more }
  } catch (error) {
    throw toProviderError(error, 'list batches')
  }
}

/** Asks for cancellation. OpenAI answers 409 when there is nothing left to cancel, which is what was wanted. */
export async function cancelBatch(context: OpenAiContext, id: string, signal: AbortSignal): Promise<void> {
  try {
    await context.client.batches.cancel(id, { signal })
  } catch (error) {
    const refused = toProviderError(error, `cancel batch ${id}`)
    if (refused.httpStatus !== 409 && refused.httpStatus !== 400) throw refused
    const batch = await retrieveBatch(context, id, signal)
    if (batch.status !== 'cancelling' && !isTerminalAtProvider(batch.status)) throw refused
  }
}
