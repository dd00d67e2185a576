import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { keyFingerprint, type Books, type CreateCall } from './books.ts'
import type { Exchange, Reply } from './exchange.ts'
import type { Holds } from './holds.ts'
import type { ActiveHttpFault, HttpFaults } from './http-faults.ts'
import type { ProviderSimulation, Route } from './provider-simulation.ts'
import { sendReply } from './send-reply.ts'

export interface ProviderServerDeps {
  readonly providers: readonly ProviderSimulation[]
  readonly books: Books
  readonly faults: HttpFaults
  readonly holds: Holds
  /** Aborted when the simulator stops. */
  readonly stopped: AbortSignal
}

type Listener = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>

interface Match {
  readonly route: Route
  readonly params: readonly string[]
}

/** Serves the providers' routes, with the HTTP faults in force, and keeps the books of the calls. */
export function createProviderServer({ providers, books, faults, holds, stopped }: ProviderServerDeps): Listener {
  return async (request, response, url) => {
    const provider = providers.find(({ prefix }) => url.pathname.startsWith(`${prefix}/`))
    if (provider === undefined) {
      const prefixes = providers.map(({ prefix }) => prefix).join(', ')
      await sendReply(response, {
        type: 'json',
        status: 404,
        body: { error: { message: `The simulator serves ${prefixes} and /_simulator`, type: 'not_found' } },
      })
      return
    }
    const match = findRoute(provider.routes, request, url.pathname.slice(provider.prefix.length))
    if (match === null) {
      const reply = provider.errorReply(404, `Invalid URL (${request.method} ${url.pathname})`)
      await sendReply(response, numbered(provider, reply, `req_${randomBytes(8).toString('hex')}`))
      return
    }
    await serve(provider, match, request, response, url)
  }

  async function serve(
    provider: ProviderSimulation,
    { route, params }: Match,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const key = provider.keyOf(request.headers, url)
    const fault = faults.take(provider.name, route.name)
    const callId = `call_${randomBytes(8).toString('hex')}`
    books.countCall(provider.name, route.name)
    if (route.creates === true) {
      books.received({
        id: callId,
        at: new Date().toISOString(),
        provider: provider.name,
        route: route.name,
        key: key === null ? null : keyFingerprint(key),
        object_id: null,
        applied: false,
        answered: false,
        status: null,
        fault: fault === null ? null : fault.effect,
      })
    }
    const exchange: Exchange = {
      request,
      url,
      params,
      key: key === null ? '' : keyFingerprint(key),
      stopped,
      made: { applied: false, objectId: null },
    }
    const sent = { status: null as number | null, answered: false }
    try {
      if (fault !== null && fault.delay_ms > 0) await sleep(fault.delay_ms, undefined, { signal: stopped })
      if (fault?.effect === 'refuse') {
        request.socket.destroy()
        return
      }
      const requestId = `req_${callId.slice(5)}`
      const reply = numbered(
        provider,
        fault?.effect === 'status' ? await faultReply(provider, request, fault) : await handle(provider, route, exchange, key),
        requestId,
      )
      // Already now: a held call, or one that a kill interrupts, has been carried out.
      if (route.creates === true && exchange.made.applied) books.ended(callId, applied(exchange))
      if (
        reply.type === 'drop' ||
        fault?.effect === 'accept_then_drop' ||
        (fault?.effect === 'hold' && !(await holds.hold({ provider: provider.name, route: route.name })))
      ) {
        request.socket.destroy()
        return
      }
      sent.status = reply.type === 'json' ? reply.status : 200
      response.setHeader(provider.requestIdHeader, requestId)
      sent.answered = await sendReply(response, reply, fault?.effect === 'truncate' ? fault.after_bytes : null)
    } finally {
      if (route.creates === true) {
        books.ended(callId, { ...applied(exchange), ...sent })
      }
    }
  }
}

function applied({ made: { applied, objectId, inputFileId } }: Exchange): Partial<CreateCall> {
  return { object_id: objectId, applied, ...(inputFileId === undefined ? {} : { input_file_id: inputFileId }) }
}

async function handle(provider: ProviderSimulation, route: Route, exchange: Exchange, key: string | null): Promise<Reply> {
  // Keys that begin with "bad" are wrong, so that a wrong key can be rehearsed.
  if (route.keyless !== true && (key === null || key.startsWith('bad'))) {
    await drain(exchange.request)
    return provider.unauthorized(key)
  }
  try {
    return await route.handle(exchange)
  } catch (error) {
    const reply = provider.replyToError(error)
    if (reply === null) {
      if (exchange.stopped.aborted || (exchange.request.destroyed && !exchange.request.complete)) return { type: 'drop' }
      process.stderr.write(`simulator: ${route.name}: ${error instanceof Error ? error.stack : String(error)}\n`)
    }
    await drain(exchange.request)
    return reply ?? provider.errorReply(500)
  }
}

function numbered(provider: ProviderSimulation, reply: Reply, requestId: string): Reply {
  if (reply.type !== 'json' || provider.identify === undefined) return reply
  return { ...reply, body: provider.identify(reply.body, requestId) }
}

async function faultReply(provider: ProviderSimulation, request: IncomingMessage, fault: ActiveHttpFault): Promise<Reply> {
  await drain(request)
  const { 'retry-after': retryAfter, ...others } = fault.headers
  const own = provider.errorReply(fault.status, fault.message, retryAfter)
  if (own.type !== 'json') return own
  const headers = provider.saysRetryInBody === true ? others : fault.headers
  return { ...own, body: fault.body ?? own.body, headers: { ...own.headers, ...headers } }
}

/** Reads the rest of a request: answering before a client has sent everything looks to it like a broken connection. */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  request.resume()
  await new Promise<void>((resolve) => {
    request.once('end', resolve)
    request.once('close', resolve)
  })
}

function findRoute(routes: readonly Route[], request: IncomingMessage, path: string): Match | null {
  const parts = path.split('/')
  for (const route of routes) {
    if (route.method !== request.method || route.takes?.(request) === false) continue
    const wanted = route.path.split('/')
    if (wanted.length !== parts.length) continue
    const params: string[] = []
    const fits = wanted.every((part, index) => {
      const given = parts[index] ?? ''
      if (!part.startsWith(':')) return part === given
      const ending = part.slice(1)
      if (!given.endsWith(ending) || given.length === ending.length) return false
      params.push(decodeURIComponent(given.slice(0, given.length - ending.length)))
      return true
    })
    if (fits) return { route, params }
  }
  return null
}
