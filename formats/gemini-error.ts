import type { ErrorClass } from '../core/error-classes.ts'
import type { AnswerError } from './canonical-answer.ts'

/** Google's Status, as the API answers with it (`code` is then an HTTP status) and as a line of a batch has it (`code` is then one of gRPC's). */
export interface GeminiErrorBody {
  readonly code: number | null
  readonly message: string | null
  /** The name of gRPC's code, `INVALID_ARGUMENT`; lines of a batch may have only the number. */
  readonly status: string | null
  /** `reason` of an ErrorInfo in `details`: `API_KEY_INVALID`. */
  readonly reason: string | null
}

/** https://grpc.io/docs/guides/status-codes/ */
const grpcNames: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** The name of what went wrong, where it can be found: by itself, or by gRPC's number. */
export function statusName({ status, code }: Pick<GeminiErrorBody, 'status' | 'code'>): string | null {
  if (status !== null && grpcNames.includes(status)) return status
  return code !== null && code > 0 ? (grpcNames[code] ?? null) : null
}

/**
 * The key is refused, or its account: no wait mends that, a person does. A wrong key comes as a plain 400, told only by its reason
 * (https://github.com/google-gemini/gemini-cli/issues/25198), a missing bill as a precondition
 * (https://ai.google.dev/gemini-api/docs/troubleshooting#error-codes).
 */
export function needsPerson(error: GeminiErrorBody): boolean {
  const name = statusName(error)
  if (name === 'UNAUTHENTICATED' || name === 'PERMISSION_DENIED') return true
  if (/^API_KEY_|^BILLING_|^SERVICE_DISABLED$|^CONSUMER_/.test(error.reason ?? '')) return true
  if (/API key (not valid|not found|expired)/i.test(error.message ?? '')) return true
  if (/spend(ing)? cap|credits are depleted/i.test(error.message ?? '')) return true
  return name === 'FAILED_PRECONDITION' && /billing|location is not supported/i.test(error.message ?? '')
}

/** The class of an item's error. `httpStatus` is null for a line of a batch. https://ai.google.dev/gemini-api/docs/troubleshooting#error-codes */
export function classifyGeminiError(httpStatus: number | null, error: GeminiErrorBody): AnswerError {
  const name = statusName(error)
  const errorClass = needsPerson(error) ? 'auth' : (classOfName(name) ?? classOfStatus(httpStatus ?? error.code))
  const parameter = errorClass === 'invalid_request' ? refusedParameter(error.message ?? '') : null
  // Cancelled with its batch: never asked, or not to its end.
  const code = name === 'CANCELLED' ? 'batch_cancelled' : (error.reason ?? name ?? codeOfStatus(httpStatus ?? error.code))
  return {
    class: errorClass,
    code: parameter === null ? code : 'unsupported_parameter',
    message: error.message ?? 'the provider gave no reason',
    httpStatus,
    requestId: null,
    parameter,
  }
}

function classOfName(name: string | null): ErrorClass | null {
  switch (name) {
    case 'UNKNOWN':
    case 'DEADLINE_EXCEEDED':
    case 'ABORTED':
    case 'INTERNAL':
    case 'UNAVAILABLE':
    case 'DATA_LOSS':
      return 'transient'
    case 'RESOURCE_EXHAUSTED':
      return 'rate_limited'
    case 'CANCELLED':
      return 'missing'
    case 'INVALID_ARGUMENT':
    case 'FAILED_PRECONDITION':
    case 'OUT_OF_RANGE':
    case 'UNIMPLEMENTED':
    // A model or a file that does not exist.
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
      return 'invalid_request'
    case 'PERMISSION_DENIED':
    case 'UNAUTHENTICATED':
      return 'auth'
    case null:
    default:
      return null
  }
}

function classOfStatus(status: number | null): ErrorClass {
  if (status === null || status < 400) return 'unknown'
  if (status === 401 || status === 403) return 'auth'
  if (status === 429) return 'rate_limited'
  if (status === 499) return 'missing'
  return status === 408 || status === 409 || status >= 500 ? 'transient' : 'invalid_request'
}

function codeOfStatus(status: number | null): string {
  return status === null ? 'unknown_error' : `http_${status}`
}

/** What can be left out and still leaves the question as it was. */
const removable: ReadonlySet<string> = new Set([
  'thinkingConfig',
  'temperature',
  'topP',
  'topK',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'responseLogprobs',
  'logprobs',
  'mediaResolution',
  'serviceTier',
])

/**
 * The parameter that is refused as such, by the words of it: "Thinking level is not supported for this model."
 * (https://help.apiyi.com/en?p=7886), `Unknown name "topK" at 'generation_config': Cannot find field.`
 */
function refusedParameter(message: string): string | null {
  if (/thinking[ _]?(level|budget|config)?\b.* (is|are) (not supported|not enabled)|does not support thinking/i.test(message)) {
    return 'thinkingConfig'
  }
  const name =
    /unknown name "(\w+)"/i.exec(message)?.[1] ??
    /^\W*(\w+)(?:: this parameter)? (?:is|are) not (?:supported|enabled)/i.exec(message)?.[1]
  if (name === undefined) return null
  const spelled = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return removable.has(spelled) ? spelled : null
}
