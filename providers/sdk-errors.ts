import { describeError } from '../core/errors.ts'
import { ProviderError, type ProviderErrorKind } from './provider.ts'

/** The error classes of one of the SDKs, which are generated alike, and what is its provider's own. */
export interface SdkErrors {
  readonly aborted: ErrorClass
  readonly connection: ErrorClass
  readonly api: ErrorClass
  /** The provider's own code in an answer with an HTTP status. */
  codeOf(error: SdkApiError): string | null
  /** True when the account can't pay: waiting does not help, a person has to act, as with a wrong key. */
  isBilling(error: SdkApiError): boolean
}

type ErrorClass = abstract new (...parameters: never[]) => Error

/** What is used of an API error of either SDK. */
export interface SdkApiError extends Error {
  readonly status?: unknown
  readonly code?: unknown
  readonly type?: unknown
  readonly headers?: unknown
  readonly error?: unknown
  readonly errorCode?: unknown
  readonly apiMessage?: unknown
  readonly requestID?: unknown
}

/**
 * What an SDK threw, in the terms of the interface. `creates` is set for the one call whose repetition costs money: only there is
 * `certainlyNotApplied` decided.
 */
export type ToProviderError = (error: unknown, call: string, options?: { creates?: boolean }) => ProviderError

export function createToProviderError(sdk: SdkErrors): ToProviderError {
  return (error, call, options = {}) => {
    if (error instanceof ProviderError) return error
    const creates = options.creates === true
    if (error instanceof sdk.aborted) {
      return new ProviderError(`${call}: aborted before an answer came`, { kind: 'transient', code: 'aborted', cause: error })
    }
    if (error instanceof sdk.connection) {
      const codes = networkCodes(error)
      return new ProviderError(`${call}: no answer: ${describeError(error)}`, {
        kind: 'transient',
        code: codes[0] ?? null,
        certainlyNotApplied: creates && codes.length > 0 && codes.every((code) => neverConnected.has(code)),
        cause: error,
      })
    }
    if (error instanceof sdk.api) {
      const { status, headers } = error as SdkApiError
      if (typeof status === 'number') {
        return new ProviderError(`${call}: ${describeError(error)}`, {
          kind: sdk.isBilling(error) ? 'auth' : kindOf(status),
          httpStatus: status,
          code: sdk.codeOf(error),
          retryAfterMs: retryAfterMs(headers as Headers | undefined),
          certainlyNotApplied: creates && status >= 400 && status < 500 && status !== 408 && status !== 409,
          cause: error,
        })
      }
    }
    return new ProviderError(`${call}: ${describeError(error)}`, { kind: 'transient', cause: error })
  }
}

function kindOf(status: number): ProviderErrorKind {
  if (status === 401 || status === 403) return 'auth'
  if (status === 404) return 'not_found'
  if (status === 429) return 'rate_limited'
  if (status === 408 || status === 409 || status >= 500) return 'transient'
  return 'invalid'
}

/**
 * Failures of Node's network stack in which nothing of the request can have left: refused connection, name resolution, the TLS handshake.
 * A reset, a timeout or a closed socket is not here, nor is a TLS error that an established connection can have (`ERR_SSL_WRONG_VERSION_NUMBER`
 * also comes from a proxy that answers in plain HTTP after the request went through).
 * https://nodejs.org/api/errors.html#common-system-errors and https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const neverConnected: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NONAME',
  'EAI_NODATA',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  // The same alert as OpenSSL 3.5 spells it.
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
])

/** The codes at the ends of a chain of causes; a host with several addresses fails with one for each. */
function networkCodes(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(networkCodes)
  const deeper = networkCodes(error.cause)
  if (deeper.length > 0) return deeper
  const code: unknown = (error as { code?: unknown }).code
  return typeof code === 'string' ? [code] : []
}

function retryAfterMs(headers: Headers | undefined): number | null {
  if (headers === undefined) return null
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '')
  if (Number.isFinite(milliseconds)) return Math.max(0, milliseconds)
  const text = headers.get('retry-after')
  if (text === null) return null
  const seconds = Number(text)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now())
}
