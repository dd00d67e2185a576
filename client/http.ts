import { setTimeout as sleep } from 'node:timers/promises'
import { BatchwrightError } from '../core/errors.ts'
import { problemOf } from './problem.ts'

export interface HttpOptions {
  readonly url: string
  readonly apiKey: string | undefined
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** Below the base URL, with a leading slash. */
  readonly path: string
  /** A list is repeated: `tag=a&tag=b`. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Called anew for every try. */
  readonly body?: () => string | ReadableStream<Uint8Array>
  readonly signal?: AbortSignal | undefined
  /**
   * Which failures of the connection are tried again. `any`: the request may arrive twice without harm. `not_sent`: only those
   * where it has certainly not arrived.
   */
  readonly repeat?: 'any' | 'not_sent'
  /** Waits before further tries, in milliseconds; as many tries as there are waits, and one. */
  readonly retryDelaysMs?: readonly number[]
}

/** The API over HTTP: one base URL, one key, errors as `BatchwrightError`. */
export interface Http {
  readonly url: string
  /** Any 2xx response, its body unread. Throws what the API says, `unreachable`, or the reason of the caller's own signal. */
  send(request: HttpRequest): Promise<Response>
}

/** Short: a person who has no stack running wants to know it at once. */
const nobodyThereDelaysMs = [150, 500]
/** The API was there a moment ago, or says that its database is away: one of them is being restarted. */
const restartDelaysMs = [250, 500, 1000, 2000, 4000]

export function createHttp({ url, apiKey }: HttpOptions): Http {
  const baseUrl = checkedUrl(url)
  const authorization: Record<string, string> = apiKey === undefined || apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` }
  return {
    url: baseUrl,
    async send(request) {
      const method = request.method ?? 'GET'
      const repeat = request.repeat ?? (method === 'POST' ? 'not_sent' : 'any')
      let delaysMs = request.retryDelaysMs ?? nobodyThereDelaysMs
      for (let tries = 0; ; tries++) {
        try {
          const body = request.body?.()
          const response = await fetch(baseUrl + request.path + queryText(request.query), {
            method,
            headers: { ...authorization, ...request.headers },
            ...(body === undefined ? {} : { body }),
            // Node sends a stream as it is read only with this; without it, it refuses.
            ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
            ...(request.signal === undefined ? {} : { signal: request.signal }),
          })
          if (response.ok) return response
          throw await problemOf(response)
        } catch (error) {
          if (request.signal?.aborted === true) throw request.signal.reason
          if (isForeign(error)) throw notBatchwright(baseUrl, error)
          if (!isConnectionFailure(error) && !isServiceAway(error)) throw sourceFailure(error)
          const isRepeatable = repeat === 'any' || isNotSent(error)
          if (isRepeatable && !isNotSent(error)) delaysMs = request.retryDelaysMs ?? restartDelaysMs
          const delayMs = delaysMs[tries]
          if (delayMs === undefined || !isRepeatable) throw isServiceAway(error) ? error : unreachable(baseUrl, error)
          await sleep(delayMs, undefined, request.signal === undefined ? {} : { signal: request.signal })
        }
      }
    },
  }
}

/** What every failure to talk to the API at all becomes: no answer, or one that broke off. */
export function unreachable(url: string, cause: unknown): BatchwrightError {
  const message = `Batchwright is not reachable at ${url}: start it with \`batchwright up\`, or set BATCHWRIGHT_URL`
  return new BatchwrightError('unreachable', message, {
    cause,
    details: { url, isRefused: connectionCode(cause) === 'ECONNREFUSED' },
  })
}

/** What answers there speaks no HTTP, or TLS where none was expected; or `fetch` never asks at such a port. */
function isForeign(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false
  return (
    /^(HPE_|ERR_SSL_|EPROTO$)/.test(connectionCode(error) ?? '') ||
    (error.cause instanceof Error && error.cause.message === 'bad port')
  )
}

function notBatchwright(url: string, cause: unknown): BatchwrightError {
  return new BatchwrightError('unexpected_response', `what is at ${url} is not Batchwright: check BATCHWRIGHT_URL`, {
    cause,
    details: { url },
  })
}

/** A broken connection, as opposed to an answer, an abort or a fault in the program: `fetch` reports all of them as a TypeError with a cause. */
export function isConnectionFailure(error: unknown): boolean {
  return error instanceof TypeError && connectionCodePattern.test(connectionCode(error) ?? '')
}

/** Postgres or Temporal can't be reached by the API at the moment. */
function isServiceAway(error: unknown): boolean {
  return error instanceof BatchwrightError && (error.code === 'database_unavailable' || error.code === 'temporal_unavailable')
}

const notSentCodes = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']

function isNotSent(error: unknown): boolean {
  return notSentCodes.includes(connectionCode(error) ?? '')
}

const connectionCodePattern = /^(E(CONN|NOTFOUND|AI_|HOST|NET|PIPE|TIMEDOUT)|UND_ERR_(?!INVALID_ARG|ABORTED))/

/** What `fetch` hides in its "fetch failed": an error of the body that it was sending, or a refused certificate. */
function sourceFailure(error: unknown): unknown {
  return error instanceof TypeError && error.cause instanceof Error ? error.cause : error
}

/** The code of the innermost cause: `ECONNREFUSED`, `UND_ERR_SOCKET`, … An AggregateError (IPv6 and IPv4 both failed) has it itself. */
function connectionCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
  }
  return undefined
}

function checkedUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new BatchwrightError('invalid_url', `BATCHWRIGHT_URL "${url}" is not an address: write it like http://127.0.0.1:8787`)
  }
  // `fetch` takes no such address, and says so with the password in its message.
  if (parsed.username !== '' || parsed.password !== '')
    throw new BatchwrightError('invalid_url', 'BATCHWRIGHT_URL must not have a user or password in it: set BATCHWRIGHT_API_KEY')
  return url.replace(/\/+$/, '')
}

function queryText(query: HttpRequest['query']): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) parameters.append(name, String(one))
    }
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}
