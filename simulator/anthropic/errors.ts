import type { ErrorKind, WireError } from './wire.ts'

/** An answer of the API that is an error; its body has the API's own shape. */
export class AnthropicError extends Error {
  readonly status: number
  readonly kind: ErrorKind
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, kind: ErrorKind, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'AnthropicError'
    this.status = status
    this.kind = kind
    this.headers = headers
  }
}

export function wireError({ kind, message }: AnthropicError): WireError {
  return { type: 'error', error: { type: kind, message }, request_id: null }
}

export function invalidRequest(message: string): AnthropicError {
  return new AnthropicError(400, 'invalid_request_error', message)
}

export function notFound(message: string): AnthropicError {
  return new AnthropicError(404, 'not_found_error', message)
}

export function requestTooLarge(): AnthropicError {
  return errorForStatus(413)
}

/** The error that an HTTP fault makes up, by its status (https://platform.claude.com/docs/en/api/errors). */
export function errorForStatus(status: number, message?: string): AnthropicError {
  const [kind, text] = errors[status] ?? (status >= 500 ? internalError : refused)
  return new AnthropicError(status, kind, message ?? text)
}

const internalError: readonly [ErrorKind, string] = ['api_error', 'Internal server error']
const refused: readonly [ErrorKind, string] = ['invalid_request_error', 'The request was refused.']
const errors: Readonly<Record<number, readonly [ErrorKind, string]>> = {
  401: ['authentication_error', 'API key is invalid.'],
  402: ['billing_error', 'There is an issue with your billing or payment information.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'Not found'],
  409: ['conflict_error', 'The request conflicts with the current state of the resource.'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', 'This request would exceed your organization’s rate limit. Please try again later.'],
  504: ['timeout_error', 'The request timed out while processing.'],
  529: ['overloaded_error', 'Overloaded'],
}
