import { z } from 'zod'
import { billingCodes } from '../../formats/openai-error.ts'
import { parseAnswer } from '../parse-answer.ts'
import type { BatchRefusal, ProviderBatch } from '../provider.ts'

const seconds = z.number().nullish()

/** https://developers.openai.com/api/reference/resources/batches: only what is used; file ids may be absent, null or "". */
const batchObject = z.object({
  id: z.string().min(1),
  status: z.string(),
  input_file_id: z.string().nullish(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  created_at: z.number(),
  expires_at: seconds,
  completed_at: seconds,
  failed_at: seconds,
  expired_at: seconds,
  cancelled_at: seconds,
  request_counts: z
    .object({ total: z.number().nullish(), completed: z.number().nullish(), failed: z.number().nullish() })
    .nullish(),
  errors: z
    .object({
      data: z
        .array(z.object({ code: z.string().nullish(), message: z.string().nullish(), line: z.number().nullish() }))
        .nullish(),
    })
    .nullish(),
})
type BatchObject = z.infer<typeof batchObject>

/** Throws a transient ProviderError when it is not a batch: after a create, nobody knows then whether there is one. */
export function toProviderBatch(value: unknown, call: string): ProviderBatch {
  const batch = parseAnswer(batchObject, value, call, 'a batch')
  const status = statusOf(batch.status)
  const inputFileId = batch.input_file_id === '' ? null : (batch.input_file_id ?? null)
  return {
    id: batch.id,
    status,
    rawStatus: batch.status,
    marker: inputFileId,
    counts: countsOf(batch),
    createdAt: new Date(batch.created_at * 1000),
    expiresAt: dateOf(batch.expires_at),
    endedAt: dateOf(batch.completed_at ?? batch.failed_at ?? batch.expired_at ?? batch.cancelled_at),
    resultFileIds: [batch.output_file_id, batch.error_file_id].filter((id) => id != null && id !== '') as string[],
    inputFileId,
    refusal: status === 'failed' ? refusalOf(batch) : null,
  }
}

function statusOf(status: string): ProviderBatch['status'] {
  switch (status) {
    case 'cancelling':
    case 'completed':
    case 'failed':
    case 'expired':
    case 'cancelled':
      return status
    // `validating`, `in_progress`, `finalizing`, and what may be added: not ended as far as we know.
    default:
      return 'in_progress'
  }
}

function countsOf({ request_counts: counts }: BatchObject): ProviderBatch['counts'] {
  // All zeros while a batch is validated means that nothing is known yet.
  if (counts == null || counts.total == null || counts.total === 0) return null
  return { done: counts.completed ?? 0, failed: counts.failed ?? 0, total: counts.total }
}

function dateOf(unixSeconds: number | null | undefined): Date | null {
  return unixSeconds == null ? null : new Date(unixSeconds * 1000)
}

/** Faults of the input as a whole: https://developers.openai.com/api/docs/guides/batch and the codes seen in public reports. */
const inputCodes: ReadonlySet<string> = new Set([
  'invalid_json_line',
  'duplicate_custom_id',
  'url_mismatch',
  'model_mismatch',
  'mismatched_model',
  'empty_file',
  'too_many_tasks',
  'file_too_large',
])

/** The number is in the words alone: "… Limit: 90,000 enqueued tokens. …". */
function tokenLimitIn(errors: ReadonlyArray<{ readonly message?: string | null | undefined }>): number | null {
  for (const { message } of errors) {
    const limit = /\blimit:\s*(\d[\d,]*)/i.exec(message ?? '')?.[1]
    if (limit !== undefined) return Number(limit.replaceAll(',', ''))
  }
  return null
}

function refusalOf(batch: BatchObject): BatchRefusal {
  const errors = batch.errors?.data ?? []
  const codes = errors.map((error) => error.code ?? '')
  const first = errors[0]
  const code = first?.code ?? 'batch_failed'
  const message = first?.message ?? 'the provider gave no reason'
  const isQueueFull = errors.some(
    (error) => error.code === 'token_limit_exceeded' || /enqueued token limit/i.test(error.message ?? ''),
  )
  if (isQueueFull) return { code, message, kind: 'enqueued_tokens', tokenLimit: tokenLimitIn(errors), lines: [] }
  if (codes.some((each) => billingCodes.has(each) || each === 'invalid_api_key'))
    return { code, message, kind: 'auth', lines: [] }
  const lines = errors
    // For a model that can't be batched a line may be named as well: it is no fault of that line, and the others would follow one by one.
    .filter((error) => error.code !== 'model_not_found')
    .flatMap(({ line, code: lineCode, message: reason }) =>
      line == null ? [] : [{ line, code: lineCode ?? 'invalid_line', message: reason ?? 'refused by the provider' }],
    )
  const kind = lines.length > 0 || codes.some((each) => inputCodes.has(each)) ? 'input' : 'other'
  return { code, message, kind, lines }
}
