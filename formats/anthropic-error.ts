import type { ErrorClass } from '../core/error-classes.ts'
import type { AnswerError } from './canonical-answer.ts'

export interface AnthropicErrorBody {
  readonly type: string | null
  readonly message: string | null
  /** `details.error_code`: the cause, where Anthropic names one. */
  readonly code: string | null
}

/**
 * The account can't pay, or may not: no wait mends it, a person does. Most come as 402; an empty balance comes as a plain 400, told only by its words.
 * https://platform.claude.com/docs/en/api/errors and https://portkey.ai/error-library/account-billing-error-10155
 */
export function isBillingError({ type, message, code }: AnthropicErrorBody): boolean {
  return (
    type === 'billing_error' || /credit balance is too low/i.test(message ?? '') || /spend_limit|billing|on_hold/.test(code ?? '')
  )
}

/**
 * The class of an item's error, by Anthropic's `error.type`; the status only where the type says nothing, for lines of a batch have none.
 * https://platform.claude.com/docs/en/api/errors
 */
export function classifyAnthropicError(status: number | null, error: AnthropicErrorBody, requestId: string | null): AnswerError {
  const errorClass = isBillingError(error) ? 'auth' : (classOfType(error.type) ?? classOfStatus(status))
  const parameter = errorClass === 'invalid_request' ? refusedParameter(error.message ?? '') : null
  return {
    class: errorClass,
    // Anthropic has one type for whatever is wrong with a request; this is the code by which the other providers say it.
    code: parameter === null ? (error.code ?? error.type ?? codeOfStatus(status)) : 'unsupported_parameter',
    message: error.message ?? (status === null ? 'the provider gave no reason' : `HTTP ${status} without an explanation`),
    httpStatus: status,
    requestId: requestId === '' ? null : requestId,
    parameter,
  }
}

function classOfType(type: string | null): ErrorClass | null {
  switch (type) {
    case 'api_error':
    case 'overloaded_error':
    case 'timeout_error':
    case 'conflict_error':
      return 'transient'
    case 'rate_limit_error':
      return 'rate_limited'
    case 'authentication_error':
    case 'permission_error':
    case 'billing_error':
      return 'auth'
    case 'invalid_request_error':
    // A model that does not exist, mostly.
    case 'not_found_error':
    case 'request_too_large':
      return 'invalid_request'
    case null:
    default:
      return null
  }
}

function classOfStatus(status: number | null): ErrorClass {
  if (status === null) return 'unknown'
  if (status === 401 || status === 402 || status === 403) return 'auth'
  if (status === 429) return 'rate_limited'
  if (status === 408 || status === 409 || status >= 500) return 'transient'
  return status >= 400 ? 'invalid_request' : 'unknown'
}

function codeOfStatus(status: number | null): string {
  return status === null ? 'unknown_error' : `http_${status}`
}

/** What can be left out and still leaves the question as it was. */
const removable = 'temperature|top_p|top_k|thinking|stop_sequences|service_tier|speed'

/**
 * The parameter that is refused as such, by the words of it: "`temperature` is deprecated for this model."
 * (https://github.com/Comfy-Org/ComfyUI/issues/13923), "\"thinking.type.disabled\" is not supported for this model."
 * (https://dev.to/persimmoq/claude-opus-55-sonnet-55-5-settings-that-return-400-when-you-only-change-the-model-name-5g36),
 * "temperature: Extra inputs are not permitted".
 */
function refusedParameter(message: string): string | null {
  // Of two that don't go together the first is kept.
  const both = /`temperature` and `top_p` cannot both be/i.test(message)
  if (both) return 'top_p'
  const pattern = new RegExp(
    `^[\`"']?(${removable})(?:\\.[\\w.]+)?[\`"']?(?:: extra inputs are not permitted| (?:is|are) (?:deprecated|not supported|not permitted))`,
    'i',
  )
  return pattern.exec(message.trim())?.[1] ?? null
}
