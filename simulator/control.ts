import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { booksSummary } from './books-summary.ts'
import { keyFingerprint, type Books } from './books.ts'
import { faultCatalogue } from './catalogue.ts'
import { json, readJson, type Reply } from './exchange.ts'
import { parseFault } from './fault-text.ts'
import type { Holds } from './holds.ts'
import { httpFaultSchema, type HttpFaults } from './http-faults.ts'
import { changeOptions, type LiveOptions } from './options.ts'
import type { ProviderSimulation } from './provider-simulation.ts'
import { sendReply } from './send-reply.ts'

export interface ControlDeps {
  readonly providers: readonly ProviderSimulation[]
  readonly books: Books
  readonly faults: HttpFaults
  readonly holds: Holds
  readonly options: LiveOptions
}

const oneFault = z.union([z.string(), httpFaultSchema])
const faultsBody = z.union([
  z.object({ faults: z.array(oneFault) }),
  z.object({ fault: z.string() }),
  z.array(oneFault),
  httpFaultSchema,
])
const releaseBody = z.strictObject({ route: z.string().nullish(), answer: z.boolean().default(true) })

const lookAlikesBody = z.strictObject({
  provider: z.string().default('anthropic'),
  count: z.number().int().min(1).max(100).default(1),
  batch_id: z.string().nullish(),
  key: z.string().min(1).nullish(),
  requests: z.number().int().min(1).max(100_000).default(1),
})

/** Serves `/_simulator`: faults, options and books while it runs. For programs on this machine only, never for a web page. */
export function createControl(
  deps: ControlDeps,
): (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> {
  return async (request, response, url) => {
    await sendReply(
      response,
      isForeign(request) ? problem(403, 'the control endpoint is for this machine only') : await answer(deps, request, url),
    )
  }
}

async function answer(deps: ControlDeps, request: IncomingMessage, url: URL): Promise<Reply> {
  try {
    return (await route(deps, request, url)) ?? problem(404, `no ${request.method} ${url.pathname} in the simulator's control`)
  } catch (error) {
    if (error instanceof z.ZodError) {
      const issue = error.issues[0]
      return problem(400, issue === undefined ? 'not understood' : `${issue.path.join('.')} ${issue.message}`.trim())
    }
    return problem(400, error instanceof Error ? error.message : String(error))
  }
}

async function route(deps: ControlDeps, request: IncomingMessage, url: URL): Promise<Reply | null> {
  const { providers, books, faults, holds, options } = deps
  switch (`${request.method} ${url.pathname.slice('/_simulator'.length)}`) {
    case 'GET ':
    case 'GET /health':
      return json({ status: 'ok', providers: Object.fromEntries(providers.map(({ name, prefix }) => [name, prefix])) })
    case 'GET /catalogue':
      return json({ data: faultCatalogue })
    case 'GET /books':
      return json(booksSummary(providers, books, url.searchParams.get('realtime') === 'true'))
    case 'GET /books/requests':
      return { type: 'lines', chunks: books.requests(providers.flatMap(idsOfOwnBatches)) }
    case 'GET /faults':
      return json(faultsNow(deps))
    case 'POST /faults':
      addFaults(deps, faultsBody.parse(await readJson(request)))
      return json(faultsNow(deps))
    case 'DELETE /faults':
      faults.clear(url.searchParams.get('id') ?? undefined)
      if (!url.searchParams.has('id')) changeOptions(options, { item_faults: [], fail_rate: 0 })
      return json(faultsNow(deps))
    case 'GET /options':
      return json({ seed: options.seed, ...options.current })
    case 'POST /options':
      changeOptions(options, await readJson(request))
      for (const provider of providers) provider.wake()
      return json({ seed: options.seed, ...options.current })
    case 'POST /look-alikes':
      return json(await makeLookAlikes(providers, lookAlikesBody.parse(await readJson(request))))
    case 'POST /release': {
      const { route: name, answer: answered } = releaseBody.parse(await readJson(request))
      return json({ released: holds.release(name ?? null, answered) })
    }
    default:
      return null
  }
}

async function makeLookAlikes(
  providers: readonly ProviderSimulation[],
  { provider: name, count, batch_id: batchId = null, key = null, requests }: z.output<typeof lookAlikesBody>,
): Promise<{ batch_ids: string[] }> {
  const provider = providers.find((known) => known.name === name)
  if (provider?.makeLookAlikes === undefined) throw new Error(`no look-alikes at ${name}`)
  if (batchId === null && key === null) throw new Error('look-alikes: name a batch_id, or a key and requests')
  return {
    batch_ids: await provider.makeLookAlikes({ count, batchId, key: key === null ? null : keyFingerprint(key), requests }),
  }
}

function idsOfOwnBatches(provider: ProviderSimulation): string[] {
  return provider.batches().flatMap(({ id, foreign }) => (foreign === true ? [] : [id]))
}

function addFaults({ faults, options }: ControlDeps, body: z.output<typeof faultsBody>): void {
  const given = Array.isArray(body) ? body : 'faults' in body ? body.faults : 'fault' in body ? [body.fault] : [body]
  // All of them are understood before the first is in force.
  for (const fault of given.map((one) => (typeof one === 'string' ? parseFault(one) : { type: 'http' as const, rule: one }))) {
    if (fault.type === 'http') faults.add(fault.rule)
    else if (fault.type === 'item') changeOptions(options, { item_faults: [...options.current.item_faults, fault.rule] })
    else changeOptions(options, { quirks: { [fault.name]: fault.value } })
  }
}

function faultsNow({ faults, holds, options }: ControlDeps): object {
  const { item_faults, fail_rate, quirks } = options.current
  return { http_faults: faults.list(), held: holds.list(), item_faults, fail_rate, quirks }
}

function isForeign(request: IncomingMessage): boolean {
  const host = request.headers.host ?? ''
  const origin = request.headers.origin
  return (
    !isLoopback(host) ||
    (origin !== undefined && (!/^https?:\/\//.test(origin) || !isLoopback(origin.replace(/^https?:\/\//, ''))))
  )
}

function isLoopback(host: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)
}

function problem(status: number, message: string): Reply {
  return { type: 'json', status, body: { error: { message } } }
}
