import type { WireStatus } from './wire.ts'

/** The codes of https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto that the API answers with. */
export const rpcCodes = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const
export type RpcStatus = keyof typeof rpcCodes

/** An answer of the API that is an error; its body has the API's own shape. */
export class GeminiError extends Error {
  readonly status: number
  readonly rpcStatus: RpcStatus
  readonly details: readonly unknown[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    rpcStatus: RpcStatus,
    message: string,
    details: readonly unknown[] = [],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.name = 'GeminiError'
    this.status = status
    this.rpcStatus = rpcStatus
    this.details = details
    this.headers = headers
  }
}

export interface WireError {
  readonly error: {
    readonly code: number
    readonly message: string
    readonly status: RpcStatus
    readonly details?: readonly unknown[]
  }
}

export function wireError({ status, message, rpcStatus, details }: GeminiError): WireError {
  return { error: { code: status, message, status: rpcStatus, ...(details.length === 0 ? {} : { details }) } }
}

/** The same error as a line or an operation tells it: by gRPC's number (https://github.com/googleapis/python-genai/issues/1341). */
export function wireStatus({ message, rpcStatus, details }: GeminiError): WireStatus {
  return { code: rpcCodes[rpcStatus], message, ...(details.length === 0 ? {} : { details }) }
}

export function invalidArgument(message: string): GeminiError {
  return new GeminiError(400, 'INVALID_ARGUMENT', message)
}

/** As the API says it of anything but a file. */
export function notFound(message = 'Requested entity was not found.'): GeminiError {
  return new GeminiError(404, 'NOT_FOUND', message)
}

export function tooLarge(mostBytes: number): GeminiError {
  return invalidArgument(`Request payload size exceeds the limit: ${mostBytes} bytes.`)
}

const overQuota =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.'

/**
 * A 429 with what the API says of it: which quota it was, and with `retrySeconds` when to ask again
 * (https://github.com/google-gemini/gemini-cli/issues/4656; a create of a batch has no RetryInfo, https://github.com/langchain4j/langchain4j/pull/3942).
 */
export function quotaExceeded(
  quotaId: string,
  model: string | null,
  limit: number | null,
  retrySeconds: number | null,
): GeminiError {
  const violation = {
    quotaMetric: 'generativelanguage.googleapis.com/generate_content_paid_tier_requests',
    quotaId,
    ...(model === null ? {} : { quotaDimensions: { location: 'global', model } }),
    ...(limit === null ? {} : { quotaValue: String(limit) }),
  }
  const links = [{ description: 'Learn more about Gemini API quotas', url: 'https://ai.google.dev/gemini-api/docs/rate-limits' }]
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retrySeconds}s` }
  return new GeminiError(
    429,
    'RESOURCE_EXHAUSTED',
    retrySeconds === null ? overQuota : `${overQuota}\nPlease retry in ${retrySeconds}s.`,
    [
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [violation] },
      { '@type': 'type.googleapis.com/google.rpc.Help', links },
      ...(retrySeconds === null ? [] : [retry]),
    ],
  )
}

const service = { service: 'generativelanguage.googleapis.com' }

/**
 * What no key, and a wrong one, is answered with: a 403 and a 400, never a 401 (https://github.com/google/timesketch/pull/3703). A key that begins with
 * `bad-leaked` is one that Google has blocked (https://ai.google.dev/gemini-api/docs/troubleshooting).
 */
export function wrongKey(key: string | null): GeminiError {
  if (key === null) {
    const message =
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."
    return new GeminiError(403, 'PERMISSION_DENIED', message)
  }
  if (key.startsWith('bad-leaked'))
    return new GeminiError(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked. Please use another API key.')
  const message = 'API key not valid. Please pass a valid API key.'
  return new GeminiError(400, 'INVALID_ARGUMENT', message, [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: service,
    },
    { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en-US', message },
  ])
}

/** The error that an HTTP fault makes up, by its status (https://ai.google.dev/gemini-api/docs/troubleshooting). */
export function errorForStatus(status: number, message?: string, retrySeconds?: string): GeminiError {
  if (status === 429 && message === undefined)
    return quotaExceeded(
      'GenerateRequestsPerMinutePerProjectPerModel',
      null,
      null,
      retrySeconds === undefined ? null : Number(retrySeconds),
    )
  const [rpcStatus, text] = errors[status] ?? (status >= 500 ? internalError : refused)
  return new GeminiError(status, rpcStatus, message ?? text)
}

const internalError: readonly [RpcStatus, string] = [
  'INTERNAL',
  'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
]
const refused: readonly [RpcStatus, string] = ['INVALID_ARGUMENT', 'Request contains an invalid argument.']
const errors: Readonly<Record<number, readonly [RpcStatus, string]>> = {
  401: ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  403: ['PERMISSION_DENIED', 'The caller does not have permission'],
  404: ['NOT_FOUND', 'Requested entity was not found.'],
  409: ['ABORTED', 'The operation was aborted.'],
  429: ['RESOURCE_EXHAUSTED', overQuota],
  499: ['CANCELLED', 'The operation was cancelled.'],
  503: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
  504: ['DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'],
}
