import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel, type ModelCapabilities } from '../core/model-capabilities.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { parseInputLine } from './input-line.ts'
import { renderers } from './renderers.ts'
import { type JobDefaults, noDefaults, noRevision, type Revision } from './rendering.ts'
import { schemaOfRequest } from './translation.ts'

const able: ModelCapabilities = { ...unknownModel, known: true, maxOutputTokens: 1_000 }
const models: Record<string, ModelCapabilities> = {
  blind: { ...able, images: false, files: false, tools: false },
  thinker: { ...able, reasoning: true },
  answers: { ...able, endpoints: ['/v1/responses', '/v1/chat/completions'] },
  chats: { ...able, endpoints: ['/v1/chat/completions'] },
  embedder: { ...able, structuredOutput: false, endpoints: ['/v1/embeddings'] },
  mute: { ...able, embeddings: false },
}

function render(kind: ProviderKind, line: JsonObject, defaults: Partial<JobDefaults> = {}, revision?: Partial<Revision>) {
  return renderers[kind](
    parseInputLine(JSON.stringify(line), 1).request,
    { ...noDefaults, model: 'able', ...defaults },
    (model) => models[model] ?? able,
    revision === undefined ? undefined : { ...noRevision, ...revision },
  )
}

const question = [{ role: 'user', content: 'Hi' }]
const anthropic = (params: JsonObject = {}): JsonObject => ({
  params: { model: 'claude', max_tokens: 50, messages: question, ...params },
})
const gemini = (request: JsonObject = {}): JsonObject => ({ request: { contents: [{ parts: [{ text: 'Hi' }] }], ...request } })
const chat = (body: JsonObject = {}): JsonObject => ({
  url: '/v1/chat/completions',
  body: { model: 'gpt', messages: question, ...body },
})
const responses = (body: JsonObject = {}): JsonObject => ({ url: '/v1/responses', body: { model: 'gpt', input: 'Hi', ...body } })

describe('where a line goes', () => {
  const asChat = { messages: question }
  const asMessages = { messages: question }
  const asContents = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }
  test.each<[string, ProviderKind, JsonObject, string, JsonObject]>([
    ['Anthropic’s', 'openai', anthropic(), '/v1/chat/completions', { ...asChat, model: 'able', max_tokens: 50 }],
    ['Anthropic’s', 'gemini', anthropic(), 'generateContent', { ...asContents, generationConfig: { maxOutputTokens: 50 } }],
    ['Gemini’s', 'openai', gemini(), '/v1/chat/completions', { ...asChat, model: 'able' }],
    ['Gemini’s', 'anthropic', gemini(), '/v1/messages', { ...asMessages, model: 'able', max_tokens: 500 }],
    ['OpenAI’s for chat', 'anthropic', chat(), '/v1/messages', { ...asMessages, model: 'able', max_tokens: 500 }],
    ['OpenAI’s for chat', 'gemini', chat(), 'generateContent', asContents],
    ['OpenAI’s for responses', 'anthropic', responses(), '/v1/messages', { ...asMessages, model: 'able', max_tokens: 500 }],
    ['OpenAI’s for responses', 'gemini', responses(), 'generateContent', asContents],
  ])('%s to %s', (_, kind, line, endpoint, body) => {
    expect(render(kind, line)).toEqual({ model: 'able', endpoint, body, warnings: [] })
  })

  test.each([anthropic(), gemini()])('at OpenAI it is an endpoint of the model’s, or the job’s: %j', (line) => {
    const input = [{ role: 'user', content: 'Hi' }]
    expect(render('openai', line, { model: 'answers' })).toMatchObject({ endpoint: '/v1/responses', body: { input } })
    expect(render('openai', line, { endpoint: '/v1/responses' })).toMatchObject({ endpoint: '/v1/responses', body: { input } })
    expect(() => render('openai', line, { model: 'chats', endpoint: '/v1/responses' })).toThrow(/^endpoint: chats can not/)
  })

  test('the job’s values don’t touch it, as in its own place', () => {
    const job = { system: 'Job.', maxTokens: 3, temperature: 0, schema: { type: 'object' } }
    for (const [kind, line] of [
      ['openai', anthropic()],
      ['anthropic', gemini()],
      ['gemini', responses()],
    ] as const)
      expect(render(kind, line, job)).toEqual(render(kind, line))
  })

  test('the job’s model wins over one of another provider; without it the line’s own name stands', () => {
    expect(render('openai', anthropic()).model).toBe('able')
    expect(render('openai', anthropic(), { model: null }).model).toBe('claude')
    expect(render('anthropic', chat(), { modelOverride: 'thinker' }).model).toBe('thinker')
    expect(() => render('openai', gemini(), { model: null })).toThrow(
      'request.model: no model: give the job one (-m openai/MODEL)',
    )
    expect(() => render('openai', chat())).toThrow('body.model: is "gpt", but the job is for "able"')
  })
})

describe('what the renderer of the provider refuses has the path of the user’s line', () => {
  const image = { type: 'image', source: { type: 'url', url: 'https://x.example/a.png' } }
  const pdf = { type: 'document', source: { type: 'url', url: 'https://x.example/a.pdf' } }
  const say = (...content: JsonObject[]) =>
    anthropic({ messages: [...question, { role: 'user', content: [{ type: 'text', text: 'x' }, ...content] }] })
  const blob = (mimeType: string) =>
    gemini({ contents: [{ parts: [{ text: 'x' }, { inlineData: { mimeType, data: 'aGk=' } }] }] })
  test.each<[string, ProviderKind, JsonObject, Partial<JobDefaults>, string]>([
    ['an image', 'openai', say(image), { model: 'blind' }, 'params.messages[1].content[1]: blind takes no images'],
    [
      'a file by its address',
      'openai',
      say(pdf),
      {},
      'params.messages[1].content[1].source.url: OpenAI takes a file by URL only',
    ],
    [
      'tools',
      'openai',
      anthropic({ tools: [{ name: 'f', input_schema: {} }] }),
      { model: 'blind' },
      'params.tools: blind takes no tools',
    ],
    [
      'too many stops',
      'openai',
      anthropic({ stop_sequences: ['1', '2', '3', '4', '5'] }),
      {},
      'params.stop_sequences: OpenAI takes at most 4',
    ],
    ['no stops for six', 'gemini', chat({ stop: ['1', '2', '3', '4', '5', '6'] }), {}, 'body.stop: Gemini takes 5'],
    [
      'an effort',
      'anthropic',
      gemini({ generationConfig: { thinkingConfig: { thinkingLevel: 'HUGE' } } }),
      {},
      'request.generationConfig.thinkingConfig.thinkingLevel: "huge"',
    ],
    ['an effort', 'gemini', anthropic({ output_config: { effort: 'huge' } }), {}, 'params.output_config.effort: "huge"'],
    ['an effort', 'anthropic', responses({ reasoning: { effort: 'huge' } }), {}, 'body.reasoning.effort: "huge"'],
    ['a kind of image', 'anthropic', blob('image/heic'), {}, 'request.contents[0].parts[1]: Anthropic takes no image/heic'],
    [
      'a kind of file',
      'anthropic',
      blob('application/zip'),
      {},
      'request.contents[0].parts[1]: Anthropic takes no application/zip',
    ],
    [
      'a beginning',
      'anthropic',
      gemini({ contents: [{ parts: [{ text: 'x' }] }, { role: 'model', parts: [{ text: 'y' }] }] }),
      { model: 'thinker' },
      'request.contents[1]: thinker does not go on',
    ],
    [
      'only a system prompt',
      'anthropic',
      responses({ input: [{ role: 'system', content: 'x' }] }),
      {},
      'body.input: Anthropic needs a message',
    ],
    [
      'arguments',
      'gemini',
      responses({
        input: [
          { role: 'user', content: 'x' },
          { type: 'function_call', call_id: 'a', name: 'f', arguments: '[' },
        ],
      }),
      {},
      'body.input[1].arguments: Gemini takes only a JSON object',
    ],
    [
      'a result of no call',
      'gemini',
      anthropic({ messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'x' }] }] }),
      {},
      'params.messages[0].content[0]: no call before it',
    ],
    ['a prompt for an embedding', 'openai', anthropic(), { model: 'embedder' }, 'params.messages: embedder makes embeddings'],
    ['a prompt for an embedding', 'gemini', anthropic(), { model: 'embedder' }, 'params.messages: embedder makes embeddings'],
    [
      'a prompt',
      'openai',
      anthropic(),
      { endpoint: '/v1/embeddings', model: 'mute' },
      'params.messages: asks for an answer, but',
    ],
    [
      'a prompt',
      'gemini',
      anthropic(),
      { endpoint: '/v1/embeddings', model: 'mute' },
      'params.messages: asks for an answer, but',
    ],
  ])('%s at %s', (_, kind, line, defaults, message) => {
    expect(() => render(kind, line, defaults)).toThrow(message)
  })
})

test('warnings call a field as the line does', () => {
  const { warnings } = render(
    'anthropic',
    gemini({
      generationConfig: {
        maxOutputTokens: 5_000,
        topP: 0.5,
        temperature: 2,
        seed: 1,
        thinkingConfig: { thinkingLevel: 'MINIMAL' },
      },
    }),
  )
  expect(warnings).toEqual([
    'seed left out: there is nothing like it',
    'generationConfig.maxOutputTokens lowered from 5000 to 1000, the most that the model can answer with',
    'generationConfig.thinkingConfig.thinkingLevel sent as low, the nearest that the model has to minimal',
    'generationConfig.temperature lowered from 2 to 1, the most that Anthropic takes',
    'generationConfig.topP left out: Claude does not take it beside temperature',
  ])
  const middle = [
    { role: 'user', content: 'x' },
    { role: 'developer', content: 'y' },
  ]
  expect(render('gemini', responses({ input: middle })).warnings).toEqual([
    'input[1]: a system message in the middle was moved to the system prompt',
  ])
})

test('after an attempt that failed, what is sent is changed in the provider’s terms', () => {
  expect(render('openai', anthropic(), {}, { doubleMaxTokens: true }).body['max_tokens']).toBe(100)
  const rejectedAnswer = { text: 'No.', reason: 'bad' }
  expect(render('gemini', responses(), {}, { rejectedAnswer }).body['contents']).toHaveLength(3)
  expect(render('anthropic', gemini(), {}, { removedParameter: 'max_tokens' }).body).not.toHaveProperty('max_tokens')
})

describe('the schema of an answer', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }
  const lines: Array<[ProviderKind, JsonObject, string]> = [
    [
      'openai',
      chat({ response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } }),
      'body.response_format.json_schema.schema',
    ],
    ['openai', responses({ text: { format: { type: 'json_schema', name: 'n', schema } } }), 'body.text.format.schema'],
    ['anthropic', anthropic({ output_config: { format: { type: 'json_schema', schema } } }), 'params.output_config.format'],
    [
      'gemini',
      gemini({
        generationConfig: {
          responseMimeType: 'application/json',
          responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
        },
      }),
      'request.generationConfig.responseSchema',
    ],
  ]
  test.each(lines)('of a line of %s is checked at others: %j', (own, line, path) => {
    const { request } = parseInputLine(JSON.stringify(line), 1)
    for (const kind of ['openai', 'anthropic', 'gemini'] as const)
      expect(schemaOfRequest(request, kind), kind).toEqual(kind === own ? undefined : { schema, path })
  })

  test('a neutral line has it as `schema`', () => {
    const { request } = parseInputLine(JSON.stringify({ prompt: 'x', schema }), 1)
    expect(schemaOfRequest(request, 'openai')).toEqual({ schema, path: 'schema' })
    expect(schemaOfRequest(parseInputLine('{"input":"x"}', 1).request, 'openai')).toBeUndefined()
  })
})

describe('embeddings', () => {
  const own = (body: JsonObject = {}): JsonObject => ({ url: '/v1/embeddings', body: { model: 'e', input: 'x', ...body } })
  const geminis = (request: JsonObject = {}): JsonObject => ({ request: { content: { parts: [{ text: 'x' }] }, ...request } })

  test('of OpenAI’s at Gemini, and of Gemini’s at OpenAI', () => {
    expect(render('gemini', own({ dimensions: 8, encoding_format: 'float' }))).toEqual({
      model: 'able',
      endpoint: 'embedContent',
      body: { content: { parts: [{ text: 'x' }] }, outputDimensionality: 8 },
      warnings: ['encoding_format left out: there is nothing like it'],
    })
    expect(render('openai', geminis({ outputDimensionality: 8 }))).toEqual({
      model: 'able',
      endpoint: '/v1/embeddings',
      body: { model: 'able', input: 'x', dimensions: 8 },
      warnings: [],
    })
  })

  test.each<[ProviderKind, JsonObject, Partial<JobDefaults>, string]>([
    ['gemini', own({ input: ['x'] }), {}, 'body.input: only one text'],
    ['gemini', own({ mood: 'x' }), {}, 'body.mood: can not'],
    ['gemini', own(), { model: 'mute' }, 'body.input: asks for an embedding, which mute does not make'],
    ['gemini', own(), { endpoint: '/v1/responses' }, 'body.input: asks for an embedding, but the job goes to /v1/responses'],
    ['openai', geminis(), { model: 'mute' }, 'request.content.parts[0].text: asks for an embedding, which mute does not make'],
    ['openai', geminis({ taskType: 'CLUSTERING' }), {}, 'request.taskType: can not'],
    ['anthropic', geminis(), {}, 'request.content.parts[0].text: asks for an embedding, which Anthropic does not make'],
    ['anthropic', own(), {}, 'body.input: asks for an embedding, which Anthropic does not make'],
  ])('at %s %j is refused', (kind, line, defaults, message) => {
    expect(() => render(kind, line, defaults)).toThrow(message)
  })
})
