import type OpenAI from 'openai'
import { setTimeout as sleep } from 'node:timers/promises'
import { billedRequest } from '../billed-request.ts'
import type { Books } from '../books.ts'
import { json, readJson, type Exchange, type Reply } from '../exchange.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { LiveOptions } from '../options.ts'
import { knownPrice, openaiPrices } from '../prices.ts'
import type { Route } from '../provider-simulation.ts'
import { takeItemFault } from '../realtime-fault.ts'
import { ApiError, invalidRequest } from './errors.ts'
import { execute, type Execution } from './execution.ts'
import { readPrompt, type Prompt } from './prompt.ts'
import type { OpenaiState } from './state.ts'
import type { Endpoint } from './wire.ts'

export interface RealtimeDeps {
  readonly state: OpenaiState
  readonly options: LiveOptions
  readonly books: Books
}

export function realtimeRoutes(deps: RealtimeDeps): Route[] {
  const route = (name: string, path: string, endpoint: Endpoint): Route => ({
    name,
    method: 'POST',
    path,
    creates: true,
    handle: (exchange) => answer(deps, endpoint, exchange),
  })
  return [
    route('chat.completions', '/chat/completions', '/v1/chat/completions'),
    route('responses', '/responses', '/v1/responses'),
    route('embeddings', '/embeddings', '/v1/embeddings'),
    { name: 'models.list', method: 'GET', path: '/models', handle: () => json({ object: 'list', data: models() }) },
    { name: 'models.retrieve', method: 'GET', path: '/models/:', handle: ({ params }) => retrieveModel(params[0] ?? '') },
  ]
}

let lastAnswer = 0

async function answer(deps: RealtimeDeps, endpoint: Endpoint, exchange: Exchange): Promise<Reply> {
  const { state, options } = deps
  const body = await readJson(exchange.request).catch((error: unknown) => {
    throw error instanceof SyntaxError ? invalidRequest('We could not parse the JSON body of your request.') : error
  })
  if (!isObject(body)) throw invalidRequest('The body must be a JSON object.')
  const { realtime_delay_ms: delayMs, strict_parameters: strict, refuse_unknown_models: refuseUnknown } = options.current
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: exchange.stopped })
  const prompt = readPrompt(endpoint, body)
  if (refuseUnknown && knownPrice(openaiPrices, prompt.model) === null) throw unknownModel(prompt.model)
  const fault = takeItemFault(options, state, prompt.fingerprint, JSON.stringify(body))
  const unique = `realtime:${process.pid}:${Date.now()}:${++lastAnswer}`
  const execution = execute(endpoint, body, prompt, fault, { unique, createdSeconds: Math.floor(Date.now() / 1000) }, strict)
  exchange.made.applied = true
  bill(deps.books, endpoint, exchange.key, prompt, execution, fault?.kind ?? null)
  switch (execution.type) {
    case 'answered':
      exchange.made.objectId = 'id' in execution.body ? execution.body.id : null
      return body['stream'] === true ? stream(endpoint, body, execution) : json(execution.body)
    case 'refused':
      throw new ApiError(execution.status, execution.error)
    case 'unexecuted':
      throw new ApiError(408, { message: execution.message, type: 'timeout', param: null, code: execution.code })
    case 'empty':
    case 'lost':
      // Outside a batch there is no line to lose: the connection goes.
      return { type: 'drop' }
  }
}

function bill(books: Books, endpoint: Endpoint, key: string, prompt: Prompt, execution: Execution, fault: string | null): void {
  books.billRealtime(
    billedRequest({
      provider: 'openai',
      key,
      batch: null,
      fingerprint: prompt.fingerprint,
      endpoint,
      model: prompt.model,
      price: knownPrice(openaiPrices, prompt.model),
      refusedStatus: execution.type === 'refused' ? execution.status : null,
      usage: execution.type === 'answered' || execution.type === 'lost' ? execution.usage : null,
      delivered: execution.type === 'answered',
      fault,
    }),
  )
}

const piecePattern = /\s*\S+/g

function stream(endpoint: Endpoint, request: JsonObject, { body }: Extract<Execution, { type: 'answered' }>): Reply {
  if (endpoint === '/v1/embeddings') return json(body)
  if (!('choices' in body))
    throw invalidRequest('The simulator does not stream responses: use stream only with chat completions.', 'stream')
  const { id, created, model, service_tier, system_fingerprint, usage } = body
  const choice = body.choices[0]
  const shared = {
    id,
    object: 'chat.completion.chunk' as const,
    created,
    model,
    service_tier: service_tier ?? null,
    ...(system_fingerprint === undefined ? {} : { system_fingerprint }),
  }
  type Delta = OpenAI.ChatCompletionChunk.Choice.Delta
  const chunk = (
    delta: Delta,
    finish: OpenAI.ChatCompletionChunk.Choice['finish_reason'] = null,
  ): OpenAI.ChatCompletionChunk => ({
    ...shared,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  })
  const { content = null, refusal = null, tool_calls: toolCalls = [] } = choice?.message ?? {}
  const chunks: OpenAI.ChatCompletionChunk[] = [chunk({ role: 'assistant', content: '', refusal: null })]
  for (const piece of (content ?? '').match(piecePattern) ?? []) chunks.push(chunk({ content: piece }))
  for (const piece of (refusal ?? '').match(piecePattern) ?? []) chunks.push(chunk({ refusal: piece }))
  toolCalls.forEach((call, index) => {
    if (call.type === 'function') chunks.push(chunk({ tool_calls: [{ index, ...call }] }))
  })
  chunks.push(chunk({}, choice?.finish_reason ?? 'stop'))
  const streamOptions = request['stream_options']
  if (isObject(streamOptions) && streamOptions['include_usage'] === true && usage !== undefined)
    chunks.push({ ...shared, choices: [], usage })
  return { type: 'events', events: [...chunks.map((part) => JSON.stringify(part)), '[DONE]'] }
}

function models(): OpenAI.Model[] {
  return Object.keys(openaiPrices).map((id) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'simulator' }))
}

function retrieveModel(id: string): Reply {
  const model = models().find((known) => known.id === id)
  if (model === undefined) throw unknownModel(id)
  return json(model)
}

function unknownModel(id: string): ApiError {
  const message = `The model \`${id}\` does not exist or you do not have access to it.`
  return new ApiError(404, { message, type: 'invalid_request_error', param: null, code: 'model_not_found' })
}
