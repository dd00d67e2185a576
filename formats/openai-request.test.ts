import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel, type ModelCapabilities } from '../core/model-capabilities.ts'
import type { ItemRequest } from './canonical-request.ts'
import { parseInputLine } from './input-line.ts'
import { renderOpenAiRequest } from './openai-request.ts'
import { type JobDefaults, noDefaults, noRevision, type Revision } from './rendering.ts'

const chat: ModelCapabilities = {
  ...unknownModel,
  known: true,
  embeddings: false,
  endpoints: ['/v1/chat/completions', '/v1/responses'],
  maxOutputTokens: 1_000,
}
const models: Record<string, ModelCapabilities> = {
  chat,
  reasoner: { ...chat, reasoning: true },
  older: { ...chat, reasoning: true, efforts: ['low', 'medium', 'high'] },
  pro: { ...chat, reasoning: true, endpoints: ['/v1/responses'] },
  blind: { ...chat, images: false, files: false, tools: false, structuredOutput: false },
  embedder: { ...chat, embeddings: true, endpoints: ['/v1/embeddings'] },
}
const unknown: ModelCapabilities = { ...chat, known: false, embeddings: true, endpoints: null, maxOutputTokens: null }

const jobDefaults: JobDefaults = { ...noDefaults, model: 'chat' }

function render(line: JsonObject, defaults: Partial<JobDefaults> = {}, revision?: Partial<Revision>) {
  const request: ItemRequest = parseInputLine(JSON.stringify(line), 1).request
  return renderOpenAiRequest(
    request,
    { ...jobDefaults, ...defaults },
    (model) => models[model] ?? unknown,
    revision === undefined ? undefined : { ...noRevision, ...revision },
  )
}

const native = (body: JsonObject, url = '/v1/chat/completions'): JsonObject => ({ url, body })
const strictSchema = {
  type: 'object',
  properties: { label: { type: 'string' } },
  required: ['label'],
  additionalProperties: false,
}

describe('chat completions', () => {
  test('a neutral line in the endpoint terms, and nothing more', () => {
    const rendered = render({ system: 'Be short.', prompt: 'Hi', max_tokens: 5, temperature: 0.5, top_p: 0.9, stop: ['END'] })
    expect(rendered).toMatchObject({ model: 'chat', endpoint: '/v1/chat/completions', warnings: [] })
    expect(rendered.body).toEqual({
      model: 'chat',
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'Hi' },
      ],
      max_tokens: 5,
      temperature: 0.5,
      top_p: 0.9,
      stop: ['END'],
    })
  })

  test('the job fills in only what the line leaves out', () => {
    const defaults = { system: 'Job.', maxTokens: 10, temperature: 1, schema: strictSchema }
    const silent = render({ prompt: 'Hi' }, defaults).body
    expect(silent).toMatchObject({
      messages: [{ role: 'system', content: 'Job.' }, { content: 'Hi' }],
      max_tokens: 10,
      temperature: 1,
    })
    expect(silent['response_format']).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema: strictSchema, strict: true },
    })
    const own = render(
      { system: 'Line.', prompt: 'Hi', max_tokens: 3, temperature: 0, schema: { type: 'object' } },
      defaults,
    ).body
    expect(own).toMatchObject({
      messages: [{ role: 'system', content: 'Line.' }, { content: 'Hi' }],
      max_tokens: 3,
      temperature: 0,
    })
    expect(own['response_format']).toMatchObject({ json_schema: { schema: { type: 'object' }, strict: false } })
  })

  test('a reasoning model gets no sampling parameters, each with a warning, and max_completion_tokens', () => {
    const { body, warnings } = render(
      { prompt: 'Hi', max_tokens: 5, temperature: 0.5, top_p: 0.9, stop: ['END'], reasoning_effort: 'low' },
      { model: 'reasoner' },
    )
    expect(body).toEqual({
      model: 'reasoner',
      messages: [{ role: 'user', content: 'Hi' }],
      max_completion_tokens: 5,
      reasoning_effort: 'low',
    })
    expect(warnings).toEqual(['temperature', 'top_p', 'stop'].map((name) => `${name} left out: reasoning models do not take it`))
  })

  test('an older model gets the nearest effort that it has', () => {
    const effortOf = (asked: string, endpoint: JobDefaults['endpoint'] = null) =>
      render({ prompt: 'Hi', reasoning_effort: asked }, { model: 'older', endpoint })
    expect(effortOf('high')).toMatchObject({ body: { reasoning_effort: 'high' }, warnings: [] })
    expect(effortOf('none')).toMatchObject({
      body: { reasoning_effort: 'low' },
      warnings: ['reasoning_effort sent as low, the nearest that the model has to none'],
    })
    expect(effortOf('max', '/v1/responses').body['reasoning']).toEqual({ effort: 'high' })
    expect(render({ prompt: 'Hi', reasoning_effort: 'none' }, { model: 'reasoner' }).body['reasoning_effort']).toBe('none')
  })

  test('a model that does not reason gets no effort', () => {
    const { body, warnings } = render({ prompt: 'Hi', reasoning_effort: 'low' })
    expect(body).not.toHaveProperty('reasoning_effort')
    expect(warnings).toEqual(['reasoning_effort left out: not a reasoning model'])
  })

  test('an unknown model gets everything that the line says', () => {
    const { body, warnings } = render(
      { prompt: 'Hi', max_tokens: 5, temperature: 0.5, reasoning_effort: 'low' },
      { model: 'new-one' },
    )
    expect(body).toMatchObject({ max_completion_tokens: 5, temperature: 0.5, reasoning_effort: 'low' })
    expect(warnings).toEqual([])
  })

  test('no more tokens than the model can answer with', () => {
    const { body, warnings } = render({ prompt: 'Hi', max_tokens: 5_000 })
    expect(body['max_tokens']).toBe(1_000)
    expect(warnings).toEqual(['max_tokens lowered from 5000 to 1000, the most that the model can answer with'])
  })

  test('images, files, tools and tool calls', () => {
    const { body } = render({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', url: 'https://example.com/a.png' },
            { type: 'image', data: 'aGVsbG8=', media_type: 'image/png' },
            { type: 'file', data: 'aGVsbG8=', media_type: 'application/pdf', name: 'a.pdf' },
          ],
        },
        { role: 'assistant', content: '', tool_calls: [{ id: 'c1', name: 'f', arguments: '{"a":1}' }] },
        { role: 'tool', tool_call_id: 'c1', content: '42' },
      ],
      tools: [{ name: 'f', description: 'F', parameters: { type: 'object' } }],
    })
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGVsbG8=' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGVsbG8=' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '42' },
    ])
    expect(body['tools']).toEqual([
      { type: 'function', function: { name: 'f', description: 'F', parameters: { type: 'object' } } },
    ])
  })

  test('what the model can not do is refused with the field, never left out', () => {
    const image = { type: 'image', url: 'https://example.com/a.png' }
    expect(() => render({ prompt: [image] }, { model: 'blind' })).toThrow('messages[0].content[0]: blind takes no images')
    expect(() => render({ prompt: 'x', tools: [{ name: 'f' }] }, { model: 'blind' })).toThrow('tools: blind takes no tools')
    expect(() => render({ prompt: [{ type: 'file', url: 'https://example.com/a.pdf' }] })).toThrow(
      /content\[0\]\.url: .*\/v1\/responses/,
    )
    expect(() => render({ messages: [{ role: 'assistant', content: [image] }] })).toThrow('messages[0].content[0]')
  })

  test('a schema outside the strict subset is sent as it is, and said so', () => {
    const open = { type: 'object', properties: { label: { type: 'string' } } }
    const { body, warnings } = render({ prompt: 'x', schema: open })
    expect(body['response_format']).toEqual({ type: 'json_schema', json_schema: { name: 'answer', schema: open, strict: false } })
    expect(warnings).toEqual(['schema sent with strict: false: / does not set additionalProperties: false'])
  })

  test('a model without structured output is given the schema in words', () => {
    const { body, warnings } = render({ prompt: 'x', schema: strictSchema }, { model: 'blind' })
    expect(body['response_format']).toEqual({ type: 'json_object' })
    expect(JSON.stringify(body['messages'])).toContain('additionalProperties')
    expect(warnings).toHaveLength(1)
  })

  test('provider_options for OpenAI are merged last, those for others are not', () => {
    const { body } = render({
      prompt: 'x',
      temperature: 0,
      provider_options: { openai: { temperature: 1, seed: 7 }, gemini: { topK: 1 } },
    })
    expect(body).toMatchObject({ temperature: 1, seed: 7 })
    expect(body).not.toHaveProperty('topK')
  })
})

describe('responses', () => {
  test('a neutral line in the endpoint terms', () => {
    const { endpoint, body, warnings } = render(
      {
        system: 'Short.',
        prompt: 'Hi',
        max_tokens: 5,
        stop: ['END'],
        schema: strictSchema,
        reasoning_effort: 'low',
        tools: [{ name: 'f' }],
      },
      { model: 'pro' },
    )
    expect(endpoint).toBe('/v1/responses')
    expect(body).toEqual({
      model: 'pro',
      input: [
        { role: 'system', content: 'Short.' },
        { role: 'user', content: 'Hi' },
      ],
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }],
      max_output_tokens: 5,
      reasoning: { effort: 'low' },
      text: { format: { type: 'json_schema', name: 'answer', schema: strictSchema, strict: true } },
    })
    expect(warnings).toHaveLength(1)
  })

  test('parts, files by URL and tool calls', () => {
    const { body } = render(
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              { type: 'image', url: 'https://x.y/a.png' },
              { type: 'file', url: 'https://x.y/a.pdf' },
            ],
          },
          { role: 'assistant', content: 'b', tool_calls: [{ id: 'c1', name: 'f', arguments: '{}' }] },
          { role: 'tool', tool_call_id: 'c1', content: '42' },
        ],
      },
      { endpoint: '/v1/responses' },
    )
    expect(body['input']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'a' },
          { type: 'input_image', image_url: 'https://x.y/a.png' },
          { type: 'input_file', file_url: 'https://x.y/a.pdf' },
        ],
      },
      { role: 'assistant', content: 'b' },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: '42' },
    ])
  })

  test('a model is not sent to an endpoint that does not have it', () => {
    expect(() => render({ prompt: 'x' }, { model: 'pro', endpoint: '/v1/chat/completions' })).toThrow('only at /v1/responses')
  })
})

describe('embeddings', () => {
  test('input goes to the embeddings endpoint', () => {
    expect(render({ input: 'text', provider_options: { openai: { dimensions: 8 } } }, { model: 'embedder' })).toMatchObject({
      endpoint: '/v1/embeddings',
      body: { model: 'embedder', input: 'text', dimensions: 8 },
    })
  })

  test('input and prompts are not mixed up', () => {
    expect(() => render({ input: 'text' })).toThrow('asks for an embedding, which chat does not make')
    expect(() => render({ prompt: 'text' }, { model: 'embedder' })).toThrow('give `input`')
    expect(() => render({ input: 'text' }, { model: 'embedder', endpoint: '/v1/responses' })).toThrow(
      'but the job goes to /v1/responses',
    )
  })
})

describe('the model', () => {
  test('a line without one in a job without one is refused', () => {
    expect(() => render({ prompt: 'x' }, { model: null })).toThrow('no model')
    expect(() => render(native({ messages: [] }), { model: null })).toThrow('body.model')
  })

  test('a native line names its own, or takes that of the job', () => {
    expect(render(native({ model: 'other', messages: [] }), { model: null }).model).toBe('other')
    expect(render(native({ messages: [] })).body).toEqual({ messages: [], model: 'chat' })
  })

  test('a native line for another model than the job is refused', () => {
    expect(() => render(native({ model: 'other', messages: [] }))).toThrow('body.model: is "other", but the job is for "chat"')
  })

  test('a fallback model wins over all, and a native body is cleaned for it', () => {
    expect(render({ prompt: 'x', temperature: 1 }, { modelOverride: 'reasoner' }).body).not.toHaveProperty('temperature')
    const { body, warnings } = render(native({ model: 'chat', messages: [], temperature: 1, max_tokens: 9 }), {
      modelOverride: 'reasoner',
    })
    expect(body).toEqual({ model: 'reasoner', messages: [], max_completion_tokens: 9 })
    expect(warnings).toHaveLength(2)
  })
})

describe('native lines', () => {
  test('the body stays as it is, whatever the job sets', () => {
    const body = { model: 'reasoner', messages: [{ role: 'user', content: 'x' }], temperature: 2, anything: [1] }
    const rendered = render(native(body), {
      model: 'reasoner',
      system: 'Job.',
      maxTokens: 5,
      temperature: 0,
      schema: strictSchema,
    })
    expect(rendered.body).toEqual(body)
    expect(rendered.warnings).toEqual([])
  })
})

describe('after an attempt that failed', () => {
  test('tokens are doubled, up to what the model can do, under whatever name', () => {
    expect(render({ prompt: 'x', max_tokens: 5 }, {}, { doubleMaxTokens: true }).body['max_tokens']).toBe(10)
    expect(render({ prompt: 'x', max_tokens: 900 }, {}, { doubleMaxTokens: true }).body['max_tokens']).toBe(1_000)
    expect(
      render(native({ messages: [], max_completion_tokens: 7 }), {}, { doubleMaxTokens: true }).body['max_completion_tokens'],
    ).toBe(14)
    expect(
      render(native({ max_output_tokens: 7 }, '/v1/responses'), {}, { doubleMaxTokens: true }).body['max_output_tokens'],
    ).toBe(14)
  })

  test('the rejected answer is shown with the reason', () => {
    const revision = { rejectedAnswer: { text: '{"label": 1}', reason: '/label must be string' } }
    const turns = [
      { role: 'assistant', content: '{"label": 1}' },
      { role: 'user', content: expect.stringContaining('/label must be string') },
    ]
    const question = { role: 'user', content: 'x' }
    expect(render({ prompt: 'x' }, {}, revision).body['messages']).toEqual([question, ...turns])
    expect(render(native({ messages: [question] }), {}, revision).body['messages']).toEqual([question, ...turns])
    expect(render(native({ input: 'x' }, '/v1/responses'), {}, revision).body['input']).toEqual([question, ...turns])
  })

  test('a refused parameter is left out, max_tokens by its new name', () => {
    const { body, warnings } = render({ prompt: 'x', temperature: 1 }, {}, { removedParameter: 'temperature' })
    expect(body).not.toHaveProperty('temperature')
    expect(warnings).toEqual(['temperature left out: the provider refused it'])
    expect(render({ prompt: 'x', max_tokens: 5 }, {}, { removedParameter: 'max_tokens' }).body).toMatchObject({
      max_completion_tokens: 5,
    })
    expect(
      render(native({ reasoning: { effort: 'x' } }, '/v1/responses'), {}, { removedParameter: 'reasoning.effort' }).body,
    ).toEqual({ model: 'chat' })
  })

  test('the body of the line is not changed by its revision', () => {
    const request: ItemRequest = {
      kind: 'native',
      format: 'openai',
      endpoint: '/v1/chat/completions',
      body: { model: 'chat', messages: [], max_tokens: 5 },
    }
    const before = structuredClone(request)
    renderOpenAiRequest(request, jobDefaults, () => chat, {
      doubleMaxTokens: true,
      rejectedAnswer: { text: 'a', reason: 'b' },
      removedParameter: 'max_tokens',
    })
    expect(request).toEqual(before)
  })
})
