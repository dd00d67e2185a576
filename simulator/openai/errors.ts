import type { WireError } from './wire.ts'

/** An answer of the API that is an error; its body has the API's own shape. */
export class ApiError extends Error {
  readonly status: number
  readonly error: WireError
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, error: WireError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message)
    this.name = 'ApiError'
    this.status = status
    this.error = error
    this.headers = headers
  }
}

export function invalidRequest(message: string, param: string | null = null, code: string | null = null): ApiError {
  return new ApiError(400, { message, type: 'invalid_request_error', param, code })
}

export function notFound(message: string, param: string | null = 'id'): ApiError {
  return new ApiError(404, { message, type: 'invalid_request_error', param, code: null })
}

/** The shape of an error that an HTTP fault makes up. */
export function errorForStatus(status: number, message?: string): WireError {
  switch (status) {
    case 401:
      return {
        message: message ?? 'Incorrect API key provided.',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      }
    case 408:
      return { message: message ?? 'Request timed out.', type: 'timeout', param: null, code: null }
    case 409:
      return {
        message: message ?? 'The resource was updated by another process.',
        type: 'invalid_request_error',
        param: null,
        code: null,
      }
    case 429:
      return {
        message: message ?? 'Rate limit reached for requests. Please try again later.',
        type: 'requests',
        param: null,
        code: 'rate_limit_exceeded',
      }
    default:
      return status >= 500
        ? {
            message: message ?? 'The server had an error while processing your request. Sorry about that!',
            type: 'server_error',
            param: null,
            code: null,
          }
        : { message: message ?? 'The request was refused.', type: 'invalid_request_error', param: null, code: null }
  }
}

/** 401 as the API answers it. The key is shown only in part. */
export function wrongKey(key: string | null): ApiError {
  if (key === null) {
    const message =
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
    return new ApiError(401, { message, type: 'invalid_request_error', param: null, code: null })
  }
  const shown =
    key.length <= 8 ? `${key.slice(0, 3)}***` : `${key.slice(0, 3)}${'*'.repeat(Math.min(key.length - 7, 12))}${key.slice(-4)}`
  const message = `Incorrect API key provided: ${shown}. You can find your API key at https://platform.openai.com/account/api-keys.`
  return new ApiError(401, { message, type: 'invalid_request_error', param: null, code: 'invalid_api_key' })
}
