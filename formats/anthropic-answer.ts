import { z } from 'zod'
import { parseAnthropicMessage } from './anthropic-message.ts'
import { classifyAnthropicError } from './anthropic-error.ts'
import type { CanonicalAnswer, ProviderResult } from './canonical-answer.ts'
import { failedAnswer, notAResult, parseResultLine, unreadableAnswer } from './failed-answer.ts'

/** The error object of Anthropic's API with what is around it. Only what is used; everything may be missing. */
const errorResponse = z.object({
  error: z
    .object({
      type: z.string().nullish(),
      message: z.string().nullish(),
      details: z.object({ error_code: z.string().nullish() }).nullish(),
    })
    .nullish(),
  request_id: z.string().nullish(),
})

/** One line of the results: https://platform.claude.com/docs/en/api/messages/batches/results */
const resultLine = z.object({
  custom_id: z.string().nullish(),
  result: z.object({ type: z.string(), message: z.unknown().optional(), error: errorResponse.nullish() }),
})

/**
 * One line of the results. Never throws: a line that can't be read gives class `unknown` and, where it can be found, its id; the caller records it and
 * merges nothing.
 */
export function parseAnthropicResultLine(line: string): ProviderResult {
  const read = parseResultLine(line)
  if ('broken' in read) return read.broken
  const parsed = resultLine.safeParse(read.value)
  if (!parsed.success) return notAResult(line, read.value, parsed.error.issues[0]?.path.join('.') ?? '')
  const { custom_id: itemId, result } = parsed.data
  return { itemId: itemId ?? null, answer: toAnswer(result), raw: line }
}

/** The answer to a realtime call. */
export function parseAnthropicResponse(response: { status: number; requestId: string | null; body: unknown }): CanonicalAnswer {
  const { status, requestId, body } = response
  if (status < 200 || status >= 300) return failed(status, requestId, errorResponse.safeParse(body).data ?? null)
  const answer = parseAnthropicMessage(body, requestId)
  if (answer === null) return unreadableAnswer(status, requestId)
  return { ...answer, error: answer.error === null ? null : { ...answer.error, httpStatus: status } }
}

function toAnswer(result: z.infer<typeof resultLine>['result']): CanonicalAnswer {
  switch (result.type) {
    case 'succeeded':
      return parseAnthropicMessage(result.message, null) ?? unreadableAnswer(null, null)
    case 'errored':
      return failed(null, null, result.error ?? null)
    case 'expired':
      return neverAsked('expired', 'batch_expired', 'the batch expired before this request was sent')
    case 'canceled':
      // Cancelled before its turn. Whoever cancelled the batch of a running job, the item is still wanted.
      return neverAsked('missing', 'batch_cancelled', 'the batch was cancelled before this request was sent')
    default:
      return neverAsked('unknown', 'unknown_result', `the result is "${result.type}", which is not known here`)
  }
}

function neverAsked(errorClass: 'expired' | 'missing' | 'unknown', code: string, message: string): CanonicalAnswer {
  return failedAnswer({ class: errorClass, code, message, httpStatus: null, requestId: null, parameter: null })
}

function failed(status: number | null, requestId: string | null, body: z.infer<typeof errorResponse> | null): CanonicalAnswer {
  const error = body?.error
  return failedAnswer(
    classifyAnthropicError(
      status,
      { type: error?.type ?? null, message: error?.message ?? null, code: error?.details?.error_code ?? null },
      requestId ?? body?.request_id ?? null,
    ),
  )
}
