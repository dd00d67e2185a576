import { z } from 'zod'
import { geminiEndpoints } from '../../formats/gemini-request.ts'
import { cancelUnlessEnded } from '../cancel-unless-ended.ts'
import { type BatchPage, listBack, pageSize } from '../list-back.ts'
import { parseAnswer } from '../parse-answer.ts'
import { type CreateInput, ProviderError, refusedLinesCode, type ProviderBatch } from '../provider.ts'
import { createSinglePost } from '../single-post.ts'
import { toProviderBatch } from './batch-object.ts'
import type { GeminiContext } from './client.ts'
import { toProviderError } from './errors.ts'
import { readInlineRequests } from './inline.ts'

/** One single POST: no retry, no redirect followed, `beforeSend` right before it. https://ai.google.dev/api/batch-api */
export async function createBatch(context: GeminiContext, input: CreateInput): Promise<ProviderBatch> {
  const post = createSinglePost(input.beforeSend, 'manual')
  const isEmbedding = input.endpoint === geminiEndpoints.embed
  const method = isEmbedding ? 'asyncBatchEmbedContent' : 'batchGenerateContent'
  const inputConfig = await inputConfigOf(input)
  try {
    const response = await context.api.send({
      path: `models/${encodeURIComponent(input.model)}:${method}`,
      method: 'POST',
      body: JSON.stringify({ batch: { displayName: input.displayName, inputConfig } }),
      signal: input.signal,
      timeoutMs: context.timeouts.createMs,
      fetch: post.fetch,
    })
    return toProviderBatch(await response.json(), 'create', context.expiresAfterMs)
  } catch (error) {
    post.rethrowRefusal()
    throw asRefusedLines(toProviderError(error, 'create', { creates: true }), input)
  }
}

/** Requests that travel in a create are checked there, all together. */
function asRefusedLines(failure: ProviderError, { inputFileId }: CreateInput): ProviderError {
  const { kind, httpStatus, certainlyNotApplied, message, cause } = failure
  if (inputFileId !== null || kind !== 'invalid' || !certainlyNotApplied || httpStatus === null) return failure
  return new ProviderError(message, { kind, httpStatus, code: refusedLinesCode, certainlyNotApplied, cause })
}

async function inputConfigOf({ inputFileId, path }: CreateInput): Promise<object> {
  if (inputFileId !== null) return { fileName: inputFileId }
  if (path == null)
    throw new ProviderError('create: a Gemini batch needs an input file, or the file of its requests', {
      kind: 'invalid',
      certainlyNotApplied: true,
    })
  return { requests: { requests: await readInlineRequests(path) } }
}

export async function retrieveBatch(context: GeminiContext, id: string, signal: AbortSignal): Promise<ProviderBatch> {
  return toProviderBatch(await readOperation(context, id, signal), `batch ${id}`, context.expiresAfterMs)
}

/** The operation as it is: the SDK leaves out its counts and its error. */
export async function readOperation({ api, timeouts }: GeminiContext, id: string, signal: AbortSignal): Promise<unknown> {
  try {
    const response = await api.send({ path: pathOf(id), method: 'GET', signal, timeoutMs: timeouts.readMs })
    return await response.json()
  } catch (error) {
    throw toProviderError(error, `batch ${id}`)
  }
}

const listPage = z.object({ operations: z.array(z.unknown()).nullish(), nextPageToken: z.string().nullish() })

/**
 * All batches, to the end of the list: its order is not documented, so none of its pages says that there is nothing of interest behind it. What is older than
 * `since` is left out.
 */
export async function* listBatches(context: GeminiContext, since: Date, signal: AbortSignal): AsyncGenerator<ProviderBatch> {
  const fromTheBeginning = new Date(0)
  for await (const batch of listBack(fromTheBeginning, (token) => readPage(context, token, signal))) {
    if (batch.createdAt.getTime() >= since.getTime() - clockToleranceMs) yield batch
  }
}

/** Gemini stamps batches by its own clock; `since` is ours. */
const clockToleranceMs = 5 * 60_000

async function readPage(context: GeminiContext, token: string | null, signal: AbortSignal): Promise<BatchPage> {
  const { api, timeouts, expiresAfterMs } = context
  try {
    const query = { pageSize: String(pageSize), ...(token === null ? {} : { pageToken: token }) }
    const response = await api.send({ path: 'batches', method: 'GET', query, signal, timeoutMs: timeouts.readMs })
    const page = parseAnswer(listPage, await response.json(), 'list batches', 'a list')
    return {
      batches: (page.operations ?? []).map((each) => toProviderBatch(each, 'list batches', expiresAfterMs)),
      next: page.nextPageToken == null || page.nextPageToken === '' ? null : page.nextPageToken,
    }
  } catch (error) {
    throw toProviderError(error, 'list batches')
  }
}

/** Asks for cancellation: https://ai.google.dev/api/batch-api#method:-batches.cancel */
export async function cancelBatch(context: GeminiContext, id: string, signal: AbortSignal): Promise<void> {
  const cancel = async () => {
    try {
      const request = { path: `${pathOf(id)}:cancel`, method: 'POST', body: '{}' } as const
      const response = await context.api.send({ ...request, signal, timeoutMs: context.timeouts.readMs })
      await response.body?.cancel()
    } catch (error) {
      throw toProviderError(error, `cancel batch ${id}`)
    }
  }
  await cancelUnlessEnded(cancel, () => retrieveBatch(context, id, signal))
}

/** `batches/<id>`, whatever stands in the id. */
function pathOf(id: string): string {
  return `batches/${encodeURIComponent(id.replace(/^batches\//, ''))}`
}
