import { setTimeout as sleep } from 'node:timers/promises'
import { billedRequest } from '../billed-request.ts'
import type { Books } from '../books.ts'
import { BodyTooLarge, json, readJson, type Exchange, type Reply } from '../exchange.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { LiveOptions } from '../options.ts'
import { geminiPrices, knownPrice } from '../prices.ts'
import type { Route } from '../provider-simulation.ts'
import { takeItemFault } from '../realtime-fault.ts'
import { errorForStatus, invalidArgument, tooLarge } from './errors.ts'
import { execute, executeEmbedding, refuseUnknownModel, unknownModel, type Execution } from './execution.ts'
import { fieldOf, listOf } from './field.ts'
import { createImplicitCache, type ImplicitCache } from './implicit-cache.ts'
import { embeds, models } from './models.ts'
import { page } from './pagination.ts'
import { readEmbeddingPrompt, readPrompt } from './prompt.ts'
import { responseChunks } from './response-chunks.ts'
import type { GeminiState } from './state.ts'

export interface RealtimeDeps {
  readonly state: GeminiState
  readonly options: LiveOptions
  readonly books: Books
}

type Method = 'generateContent' | 'streamGenerateContent' | 'embedContent' | 'batchEmbedContents' | 'countTokens'

export function realtimeRoutes(deps: RealtimeDeps): Route[] {
  const cache = createImplicitCache()
  const at = (name: string, method: Method, handle: (exchange: Exchange) => Promise<Reply>): Route => ({
    name,
    method: 'POST',
    path: `/v1beta/models/::${method}`,
    creates: true,
    async handle(exchange) {
      const { realtime_delay_ms: delayMs, refuse_unknown_models: refuseUnknown } = deps.options.current
      const model = exchange.params[0] ?? ''
      refuseUnknownModel(model, method, refuseUnknown)
      if (method !== 'countTokens' && embeds(model) !== (method === 'embedContent' || method === 'batchEmbedContents'))
        throw unknownModel(model, method)
      const reply = await handle(exchange)
      if (delayMs > 0 && method !== 'countTokens') await sleep(delayMs, undefined, { signal: exchange.stopped })
      return reply
    },
  })
  return [
    at('generate_content', 'generateContent', (exchange) => generate(deps, cache, exchange, false)),
    at('stream_generate_content', 'streamGenerateContent', (exchange) => generate(deps, cache, exchange, true)),
    at('embed_content', 'embedContent', (exchange) => embed(deps, exchange, false)),
    at('batch_embed_contents', 'batchEmbedContents', (exchange) => embed(deps, exchange, true)),
    { ...at('count_tokens', 'countTokens', countTokens), creates: false },
    { name: 'models.list', method: 'GET', path: '/v1beta/models', handle: ({ url }) => listModels(url) },
    { name: 'models.retrieve', method: 'GET', path: '/v1beta/models/:', handle: ({ params }) => retrieveModel(params[0] ?? '') },
  ]
}

/** https://ai.google.dev/gemini-api/docs/files: the whole of a request, what is inline in it included. */
const mostBytes = 100 << 20
let lastAnswer = 0

async function readRequest({ request }: Exchange): Promise<JsonObject> {
  const body = await readJson(request, mostBytes).catch((error: unknown) => {
    if (error instanceof BodyTooLarge) throw tooLarge(mostBytes)
    throw error instanceof SyntaxError ? invalidArgument(`Invalid JSON payload received. ${error.message}`) : error
  })
  if (!isObject(body)) throw invalidArgument('Invalid JSON payload received.')
  return body
}

async function generate(deps: RealtimeDeps, cache: ImplicitCache, exchange: Exchange, streamed: boolean): Promise<Reply> {
  const request = await readRequest(exchange)
  const prompt = readPrompt(exchange.params[0] ?? '', request)
  const execution = carryOut(deps, exchange, prompt.fingerprint, request, 'generateContent', (fault) => {
    const unique = `realtime:${process.pid}:${Date.now()}:${++lastAnswer}`
    const rules = { strict: deps.options.current.strict_parameters, spoilsJsonSchema: false }
    return execute(request, prompt, fault, { unique, cachedTokens: cache.use(prompt, Date.now()) }, rules)
  })
  if (execution.type === 'lost') return { type: 'drop' }
  if (!streamed) return json(execution.body)
  const chunks = responseChunks(execution.body)
  return exchange.url.searchParams.get('alt') === 'sse'
    ? { type: 'events', events: chunks.map((chunk) => JSON.stringify(chunk)) }
    : json(chunks)
}

async function embed(deps: RealtimeDeps, exchange: Exchange, several: boolean): Promise<Reply> {
  const body = await readRequest(exchange)
  const model = exchange.params[0] ?? ''
  const requests = several ? listOf(body, 'requests').filter(isObject) : [body]
  if (requests.length === 0) throw invalidArgument('* BatchEmbedContentsRequest.requests: requests is not specified\n')
  const embeddings = []
  for (const request of requests) {
    const prompt = readEmbeddingPrompt(request)
    const execution = carryOut(deps, exchange, prompt.fingerprint, request, 'embedContent', (fault) =>
      executeEmbedding(request, model, prompt, fault, deps.options.current.strict_parameters),
    )
    if (execution.type === 'lost') return { type: 'drop' }
    embeddings.push(execution.body.embedding)
  }
  return json(several ? { embeddings } : { embedding: embeddings[0] })
}

/** Executes and bills a call. Throws what it is refused with; outside a batch there is no line to lose: the connection goes. */
function carryOut<Body>(
  { state, options, books }: RealtimeDeps,
  exchange: Exchange,
  fingerprint: string,
  request: JsonObject,
  endpoint: string,
  run: (fault: ReturnType<typeof takeItemFault>) => Execution<Body>,
): Exclude<Execution<Body>, { type: 'refused' }> {
  const model = exchange.params[0] ?? ''
  const fault = takeItemFault(options, state, fingerprint, JSON.stringify(request))
  const execution = run(fault)
  exchange.made.applied = true
  books.billRealtime(
    billedRequest({
      provider: 'gemini',
      key: exchange.key,
      batch: null,
      fingerprint,
      endpoint,
      model,
      price: knownPrice(geminiPrices, model),
      refusedStatus: execution.type === 'refused' ? execution.error.status : null,
      usage: execution.type === 'refused' ? null : execution.usage,
      delivered: execution.type === 'answered',
      fault: fault?.kind ?? null,
    }),
  )
  if (execution.type === 'refused') throw execution.error
  return execution
}

async function countTokens(exchange: Exchange): Promise<Reply> {
  const body = await readRequest(exchange)
  const inner = fieldOf(body, 'generateContentRequest')
  const request = isObject(inner) ? inner : body
  if (listOf(request, 'contents').length === 0)
    throw invalidArgument('* CountTokensRequest.contents: contents is not specified\n')
  const { inputTokens } = readPrompt(exchange.params[0] ?? '', request)
  return json({ totalTokens: inputTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: inputTokens }] })
}

function listModels(url: URL): Reply {
  const { items, ...next } = page(models(), url, { standard: 50, most: 1000 })
  return json({ models: items.map(({ id: _id, ...model }) => model), ...next })
}

function retrieveModel(id: string): Reply {
  const known = models().find((model) => model.id === id)
  if (known === undefined) throw errorForStatus(404, `Model is not found: models/${id} for api version v1beta`)
  const { id: _id, ...model } = known
  return json(model)
}
