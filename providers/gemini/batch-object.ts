import { z } from 'zod'
import { readGeminiError } from '../../formats/gemini-answer.ts'
import { needsPerson, statusName } from '../../formats/gemini-error.ts'
import { parseAnswer } from '../parse-answer.ts'
import type { BatchRefusal, ProviderBatch } from '../provider.ts'

/** An int64, which Google's JSON writes as a text: https://protobuf.dev/programming-guides/json/ */
const count = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).nullish()
/** RFC 3339, with up to nine digits of a second. */
const time = z.iso.datetime({ offset: true })

const output = z.object({
  responsesFile: z.string().nullish(),
  /** The answers themselves, of which only the presence counts here. */
  inlinedResponses: z.looseObject({}).nullish(),
  inlinedEmbedContentResponses: z.looseObject({}).nullish(),
})

/** https://ai.google.dev/api/batch-api#Operation with its `metadata`, a GenerateContentBatch or an EmbedContentBatch: only what is used. */
const operation = z.object({
  name: z.string().min(1),
  done: z.boolean().nullish(),
  error: z.looseObject({}).nullish(),
  response: output.nullish(),
  metadata: z.object({
    displayName: z.string().nullish(),
    state: z.string().nullish(),
    createTime: time,
    updateTime: time.nullish(),
    endTime: time.nullish(),
    inputConfig: z.object({ fileName: z.string().nullish() }).nullish(),
    output: output.nullish(),
    batchStats: z
      .object({
        requestCount: count,
        successfulRequestCount: count,
        failedRequestCount: count,
        pendingRequestCount: count,
      })
      .nullish(),
  }),
})
type Operation = z.infer<typeof operation>

/**
 * Throws a transient ProviderError when it is not a batch: after a create, nobody knows then whether there is one. `expiresAfterMs` is the documented time,
 * because no batch says its own.
 */
export function toProviderBatch(value: unknown, call: string, expiresAfterMs: number): ProviderBatch {
  const batch = parseAnswer(operation, value, call, 'a batch')
  const { metadata } = batch
  const status = statusOf(batch)
  const createdAt = new Date(metadata.createTime)
  const hasEnded = status !== 'in_progress' && status !== 'cancelling'
  return {
    id: batch.name,
    status,
    rawStatus: metadata.state ?? (batch.done === true ? 'done' : 'unknown'),
    marker: textOf(metadata.displayName),
    counts: countsOf(batch, status),
    createdAt,
    expiresAt: new Date(createdAt.getTime() + expiresAfterMs),
    endedAt: dateOf(metadata.endTime ?? (hasEnded ? metadata.updateTime : null)),
    resultFileIds: resultsOf(batch),
    inputFileId: textOf(metadata.inputConfig?.fileName),
    refusal: status === 'failed' ? refusalOf(batch) : null,
  }
}

/** The API says `BATCH_STATE_…`; its SDK, and what else stands between, say `JOB_STATE_…`. */
function statusOf({ metadata, done, error }: Operation): ProviderBatch['status'] {
  switch (metadata.state?.replace(/^(BATCH|JOB)_STATE_/, '')) {
    case 'CANCELLING':
      return 'cancelling'
    case 'SUCCEEDED':
    case 'PARTIALLY_SUCCEEDED':
      return 'completed'
    case 'FAILED':
      return 'failed'
    case 'EXPIRED':
      return 'expired'
    case 'CANCELLED':
      return 'cancelled'
    case undefined:
    case 'UNSPECIFIED':
      if (done === true) return error == null ? 'completed' : 'failed'
      return 'in_progress'
    // `PENDING`, `RUNNING`, and what may be added: not ended as far as we know.
    default:
      return 'in_progress'
  }
}

function countsOf(batch: Operation, status: ProviderBatch['status']): ProviderBatch['counts'] {
  const stats = batch.metadata.batchStats
  // What is zero is left out in Google's JSON.
  if (stats?.requestCount == null) return null
  // What was done before a batch expired or was cancelled is lost: there will be no answers to wait for.
  const isLost = (status === 'expired' || status === 'cancelled') && resultsOf(batch).length === 0
  if (isLost) return { done: 0, failed: 0, total: stats.requestCount }
  return { done: stats.successfulRequestCount ?? 0, failed: stats.failedRequestCount ?? 0, total: stats.requestCount }
}

/** The file of the answers; of a batch that has its answers in itself, its own name. */
function resultsOf({ name, response, metadata }: Operation): string[] {
  for (const place of [metadata.output, response]) {
    const file = textOf(place?.responsesFile)
    if (file !== null) return [file]
    if (place?.inlinedResponses != null || place?.inlinedEmbedContentResponses != null) return [name]
  }
  return []
}

/** Why a batch failed is in its operation alone. Lines are not named: those at fault are found by halving. */
function refusalOf({ error }: Operation): BatchRefusal {
  const body = readGeminiError(error ?? {})
  const code = body.reason ?? statusName(body) ?? 'batch_failed'
  const message = body.message ?? 'the batch failed, and Gemini gave no reason'
  return { code, message, kind: kindOf(), lines: [] }

  function kindOf(): BatchRefusal['kind'] {
    if (needsPerson(body) && !/may not exist/i.test(message)) return 'auth'
    switch (statusName(body)) {
      case 'RESOURCE_EXHAUSTED':
        return 'enqueued_tokens'
      case 'INVALID_ARGUMENT':
      case 'FAILED_PRECONDITION':
      case 'OUT_OF_RANGE':
        return 'input'
      case null:
      default:
        return 'other'
    }
  }
}

function textOf(text: string | null | undefined): string | null {
  return text == null || text === '' ? null : text
}

function dateOf(text: string | null | undefined): Date | null {
  return text == null ? null : new Date(text)
}
