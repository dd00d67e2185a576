import type { ErrorClass } from '../core/error-classes.ts'
import type { AnswerError } from './canonical-answer.ts'

export interface OpenAiErrorBody {
  readonly code: string | null
  readonly message: string | null
  readonly type: string | null
  readonly param: string | null
}

/** The account is out of credit or at its spending limit: no wait mends it, a person does. Taken like a refused key, so that the job pauses. */
export const billingCodes: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'account_deactivated',
])

const contentCodes: ReadonlySet<string> = new Set(['content_policy_violation', 'content_filter', 'moderation_blocked'])

/**
 * The class of an item's error. `status` is the HTTP status; 0 and null both mean that there was no HTTP response.
 * https://developers.openai.com/api/docs/guides/error-codes
 */
export function classifyOpenAiError(status: number | null, error: OpenAiErrorBody | null, requestId: string | null): AnswerError {
  const code = error?.code ?? error?.type ?? null
  return {
    class: classOf(status, code),
    code: code ?? (status === null || status === 0 ? 'no_response' : `http_${status}`),
    message:
      error?.message ??
      (status === null || status === 0 ? 'the provider got no response' : `HTTP ${status} without an explanation`),
    httpStatus: status === 0 ? null : status,
    requestId: requestId === '' ? null : requestId,
    parameter: error?.param ?? null,
  }
}

function classOf(status: number | null, code: string | null): ErrorClass {
  if (code === 'batch_expired') return 'expired'
  // Cancelled before its turn: it was never asked. Whoever cancelled the batch of a running job, the item is still wanted.
  if (code === 'batch_cancelled') return 'missing'
  if (code !== null && billingCodes.has(code)) return 'auth'
  if (code !== null && contentCodes.has(code)) return 'content_filter'
  if (status === null || status === 0) return code === null || code === 'server_error' ? 'transient' : classOfCode(code)
  if (status === 401 || status === 403) return 'auth'
  if (status === 429) return 'rate_limited'
  if (status === 408 || status === 409 || status >= 500) return 'transient'
  if (status >= 400) return 'invalid_request'
  return 'unknown'
}

/** Errors without a status: of a line that never became a request, or inside a failed response of `/v1/responses`. */
export function classOfCode(code: string): ErrorClass {
  switch (code) {
    case 'server_error':
    case 'internal_error':
    case 'timeout':
    case 'request_timeout':
    case 'vector_store_timeout':
      return 'transient'
    case 'rate_limit_exceeded':
      return 'rate_limited'
    case 'invalid_prompt':
    case 'invalid_request_error':
      return 'invalid_request'
    case 'batch_expired':
      return 'expired'
    case 'batch_cancelled':
      return 'missing'
    default:
      if (billingCodes.has(code)) return 'auth'
      if (contentCodes.has(code)) return 'content_filter'
      return /image|file/.test(code) ? 'invalid_request' : 'unknown'
  }
}
