import type Anthropic from '@anthropic-ai/sdk'
import { setTimeout as sleep } from 'node:timers/promises'
import { billedRequest } from '../billed-request.ts'
import type { Books } from '../books.ts'
import { BodyTooLarge, json, readJson, type Exchange, type Reply } from '../exchange.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { LiveOptions } from '../options.ts'
import { anthropicPrices, knownPrice } from '../prices.ts'
import type { Route } from '../provider-simulation.ts'
import { takeItemFault } from '../realtime-fault.ts'
import { versionOf } from './api-version.ts'
import { errorForStatus, invalidRequest, notFound, requestTooLarge } from './errors.ts'
import { messageEvents } from './event-stream.ts'
import { execute, type Execution } from './execution.ts'
import { mostAnswerTokens } from './models.ts'
import { page } from './pagination.ts'
import { missing } from './parameters.ts'
import { cachedPrefix, createPromptCache, type PromptCache } from './prompt-cache.ts'
import { readPrompt, type Prompt } from './prompt.ts'
import type { AnthropicState } from './state.ts'

export interface RealtimeDeps {
  readonly state: AnthropicState
  readonly options: LiveOptions
  readonly books: Books
}

export function realtimeRoutes(deps: RealtimeDeps): Route[] {
  const cache = createPromptCache()
  return [
    {
      name: 'messages',
      method: 'POST',
      path: '/v1/messages',
      creates: true,
      handle: (exchange) => answer(deps, cache, exchange),
    },
    { name: 'messages.count_tokens', method: 'POST', path: '/v1/messages/count_tokens', handle: countTokens },
    { name: 'models.list', method: 'GET', path: '/v1/models', handle: ({ url }) => json(page(models(), url, (model) => model)) },
    { name: 'models.retrieve', method: 'GET', path: '/v1/models/:', handle: ({ params }) => retrieveModel(params[0] ?? '') },
  ]
}

/** https://platform.claude.com/docs/en/api/errors#request-size-limits */
const mostBytes = 32 << 20
let lastAnswer = 0

async function readParams({ request }: Exchange): Promise<JsonObject> {
  const body = await readJson(request, mostBytes).catch((error: unknown) => {
    if (error instanceof BodyTooLarge) throw requestTooLarge()
    throw error instanceof SyntaxError ? invalidRequest(`The request body is not valid JSON: ${error.message}`) : error
  })
  if (!isObject(body)) throw invalidRequest('Input should be an object')
  return body
}

async function answer(deps: RealtimeDeps, cache: PromptCache, exchange: Exchange): Promise<Reply> {
  const { state, options } = deps
  const params = await readParams(exchange)
  const { realtime_delay_ms: delayMs, strict_parameters: strict, refuse_unknown_models: refuseUnknownModels } = options.current
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: exchange.stopped })
  const prompt = readPrompt(params)
  const fault = takeItemFault(options, state, prompt.fingerprint, JSON.stringify(params))
  const execution = execute(
    params,
    prompt,
    fault,
    {
      unique: `realtime:${process.pid}:${Date.now()}:${++lastAnswer}`,
      tier: 'standard',
      cache: cache.use(cachedPrefix(params), Date.now()),
    },
    { version: versionOf(exchange.request.headers), batch: false, strict, refuseUnknownModels },
  )
  exchange.made.applied = true
  bill(deps.books, exchange.key, prompt, execution, fault?.kind ?? null)
  switch (execution.type) {
    case 'answered':
      exchange.made.objectId = execution.body.id
      return params['stream'] === true ? { type: 'events', events: messageEvents(execution.body) } : json(execution.body)
    case 'refused':
      throw execution.error
    case 'expired':
      throw errorForStatus(504)
    case 'lost':
      // Outside a batch there is no line to lose: the connection goes.
      return { type: 'drop' }
  }
}

function bill(books: Books, key: string, { fingerprint, model }: Prompt, execution: Execution, fault: string | null): void {
  books.billRealtime(
    billedRequest({
      provider: 'anthropic',
      key,
      batch: null,
      fingerprint,
      endpoint: '/v1/messages',
      model,
      price: knownPrice(anthropicPrices, model),
      refusedStatus: execution.type === 'refused' ? execution.error.status : null,
      usage: execution.type === 'answered' || execution.type === 'lost' ? execution.usage : null,
      delivered: execution.type === 'answered',
      fault,
    }),
  )
}

async function countTokens(exchange: Exchange): Promise<Reply> {
  const params = await readParams(exchange)
  const problem = missing(params, true)
  if (problem !== null) throw invalidRequest(problem)
  return json({ input_tokens: readPrompt(params).inputTokens } satisfies Anthropic.MessageTokensCount)
}

function models(): Anthropic.ModelInfo[] {
  return Object.keys(anthropicPrices).map((id) => ({
    id,
    type: 'model',
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
    capabilities: null,
    deprecated_at: null,
    lifecycle: 'active',
    line: null,
    max_input_tokens: null,
    max_tokens: mostAnswerTokens(id),
    retires_at: null,
  }))
}

function retrieveModel(id: string): Reply {
  const model = models().find((known) => known.id === id)
  if (model === undefined) throw notFound(`model: ${id}`)
  return json(model)
}
