import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import { renderAnthropicRequest } from './anthropic-request.ts'
import { parseInputLine } from './input-line.ts'
import { type JobDefaults, noDefaults, noRevision, type Revision } from './rendering.ts'

const older: ModelCapabilities = {
  known: true,
  reasoning: false,
  efforts: ['low', 'medium', 'high', 'max'],
  thinksOnRequest: true,
  structuredOutput: true,
  tools: true,
  images: true,
  files: true,
  embeddings: false,
  endpoints: null,
  maxOutputTokens: 1_000,
  contextTokens: null,
}
const models: Record<string, ModelCapabilities> = {
  older,
  newer: { ...older, reasoning: true, efforts: ['low', 'high'], thinksOnRequest: false },
  effortless: { ...older, efforts: [], thinksOnRequest: false },
  blind: { ...older, images: false, files: false, tools: false, structuredOutput: false },
}
const { efforts: _efforts, thinksOnRequest: _thinksOnRequest, ...rest } = older
const unknown: ModelCapabilities = { ...rest, known: false, maxOutputTokens: null }

const jobDefaults: JobDefaults = { ...noDefaults, model: 'older' }

function render(line: JsonObject, defaults: Partial<JobDefaults> = {}, revision?: Partial<Revision>) {
  return renderAnthropicRequest(
    parseInputLine(JSON.stringify(line), 1).request,
    { ...jobDefaults, ...defaults },
    (model) => models[model] ?? unknown,
    revision === undefined ? undefined : { ...noRevision, ...revision },
  )
}

const native = (params: JsonObject): JsonObject => ({ params: { max_tokens: 5, messages: [], ...params } })
const closedSchema = {
  type: 'object',
  properties: { label: { type: 'string' } },
  required: ['label'],
  additionalProperties: false,
}

describe('messages', () => {
  test('a neutral line in the terms of the Messages API, and nothing more', () => {
    const rendered = render({ system: 'Be short.', prompt: 'Hi', max_tokens: 5, temperature: 0.5, stop: 'END' })
    expect(rendered).toMatchObject({ model: 'older', endpoint: '/v1/messages', warnings: [] })
    expect(rendered.body).toEqual({
      model: 'older',
      system: 'Be short.',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 5,
      temperature: 0.5,
      stop_sequences: ['END'],
    })
  })

  test('the job fills in only what the line leaves out', () => {
    const defaults = { system: 'Job.', maxTokens: 10, temperature: 1, schema: closedSchema }
    expect(render({ prompt: 'Hi' }, defaults).body).toMatchObject({
      system: 'Job.',
      max_tokens: 10,
      temperature: 1,
      output_config: { format: { type: 'json_schema', schema: closedSchema } },
    })
    const own = { system: 'Line.', prompt: 'Hi', max_tokens: 3, temperature: 0 }
    expect(render(own, defaults).body).toMatchObject({ system: 'Line.', max_tokens: 3, temperature: 0 })
  })

  test('images and files, by URL, as base64 and as data URLs', () => {
    const { body } = render({
      prompt: [
        { type: 'text', text: 'Look' },
        { type: 'image', url: 'https://example.com/a.png' },
        { type: 'image', data: 'aGVsbG8=', media_type: 'image/png' },
        { type: 'image', url: 'data:image/png;base64,aGVsbG8=' },
        { type: 'file', url: 'https://example.com/a.pdf' },
        { type: 'file', data: 'aGVsbG8=', media_type: 'application/pdf', name: 'a.pdf' },
        { type: 'file', data: 'aGVsbG8=', media_type: 'text/markdown' },
      ],
    })
    const inline = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGVsbG8=' } }
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
          inline,
          inline,
          { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
          { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: 'aGVsbG8=' } },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'hello' } },
        ],
      },
    ])
  })

  test('tools and tool calls, with the results of parallel calls in one turn', () => {
    const { body } = render({
      messages: [
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'c1', name: 'f', arguments: '{"a":1}' },
            { id: 'c2', name: 'f', arguments: '' },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: '42' },
        { role: 'tool', tool_call_id: 'c2', content: '43' },
        { role: 'assistant', content: 'Both.' },
        { role: 'user', content: 'Thanks' },
      ],
      tools: [{ name: 'f', description: 'F', parameters: { type: 'object' } }, { name: 'g' }],
    })
    expect(body['messages']).toEqual([
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } },
          { type: 'tool_use', id: 'c2', name: 'f', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c1', content: '42' },
          { type: 'tool_result', tool_use_id: 'c2', content: '43' },
        ],
      },
      { role: 'assistant', content: 'Both.' },
      { role: 'user', content: 'Thanks' },
    ])
    expect(body['tools']).toEqual([
      { name: 'f', description: 'F', input_schema: { type: 'object' } },
      { name: 'g', input_schema: { type: 'object', properties: {} } },
    ])
  })

  test('several system messages stay apart, and one from the middle is said to have moved', () => {
    const { body, warnings } = render({
      messages: [
        { role: 'system', content: 'A' },
        { role: 'user', content: 'Hi' },
        { role: 'system', content: 'B' },
        { role: 'user', content: 'Go on' },
      ],
    })
    expect(body['system']).toEqual([
      { type: 'text', text: 'A' },
      { type: 'text', text: 'B' },
    ])
    expect(body['messages']).toHaveLength(2)
    expect(warnings).toEqual(['messages[2]: a system message in the middle was moved to the system prompt'])
  })

  test('provider_options for Anthropic are merged last, those for others are not', () => {
    const provider_options = { anthropic: { top_k: 7, max_tokens: 8 }, openai: { seed: 1 } }
    const { body } = render({ prompt: 'x', max_tokens: 5, provider_options })
    expect(body).toMatchObject({ top_k: 7, max_tokens: 8 })
    expect(body).not.toHaveProperty('seed')
  })

  test.each([
    [{ prompt: [{ type: 'image', url: 'https://x.y/a.png' }] }, 'blind', 'messages[0].content[0]: blind takes no images'],
    [{ prompt: 'x', tools: [{ name: 'f' }] }, 'blind', 'tools: blind takes no tools'],
    [{ prompt: [{ type: 'image', data: 'aGVsbG8=', media_type: 'image/bmp' }] }, 'older', 'takes no image/bmp'],
    [
      { prompt: [{ type: 'file', data: 'aGVsbG8=', media_type: 'application/zip' }] },
      'older',
      'messages[0].content[0]: Anthropic takes no application/zip',
    ],
    [{ input: 'text' }, 'older', 'input: asks for an embedding, which Anthropic does not make'],
    [{ messages: [{ role: 'system', content: 'x' }] }, 'older', 'messages: Anthropic needs a message'],
    [{ prompt: 'x', reasoning_effort: 'ultra' }, 'older', 'reasoning_effort: "ultra" is none that Claude has'],
    [
      { messages: [{ role: 'assistant', content: '', tool_calls: [{ id: 'c', name: 'f', arguments: '[1]' }] }] },
      'effortless',
      'messages[0].tool_calls[0].arguments: Anthropic takes only a JSON object',
    ],
    [
      {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: 'It is' },
        ],
      },
      'newer',
      'messages[1]: newer does not go on with an answer',
    ],
  ])('%j for %s is refused with its field', (line, model, message) => {
    expect(() => render(line, { model })).toThrow(message)
  })

  test('a job for embeddings has no place there', () => {
    expect(() => render({ prompt: 'x' }, { endpoint: '/v1/embeddings' })).toThrow('endpoint: asks for an embedding')
    expect(render({ prompt: 'x' }, { endpoint: '/v1/chat/completions' }).endpoint).toBe('/v1/messages')
  })
})

describe('parameters', () => {
  test('max_tokens is always there: as asked for, half of what the model can, or what any can', () => {
    expect(render({ prompt: 'x' }).body['max_tokens']).toBe(500)
    expect(render({ prompt: 'x' }, {}, { doubleMaxTokens: true }).body['max_tokens']).toBe(1_000)
    expect(render({ prompt: 'x' }, { model: 'new-one' }).body['max_tokens']).toBe(4_096)
    const { body, warnings } = render({ prompt: 'x', max_tokens: 5_000 })
    expect(body['max_tokens']).toBe(1_000)
    expect(warnings).toEqual(['max_tokens lowered from 5000 to 1000, the most that the model can answer with'])
  })

  test('temperature or top_p, not both, and no temperature above 1', () => {
    const both = render({ prompt: 'x', temperature: 1.5, top_p: 0.9 })
    expect(both.body).toMatchObject({ temperature: 1 })
    expect(both.body).not.toHaveProperty('top_p')
    expect(both.warnings).toEqual([
      'temperature lowered from 1.5 to 1, the most that Anthropic takes',
      'top_p left out: Claude does not take it beside temperature',
    ])
    expect(render({ prompt: 'x', top_p: 0.9 })).toMatchObject({ body: { top_p: 0.9 }, warnings: [] })
  })

  test('newer models get neither', () => {
    const { body, warnings } = render({ prompt: 'x', temperature: 0, top_p: 0.9 }, { model: 'newer' })
    expect(Object.keys(body).sort()).toEqual(['max_tokens', 'messages', 'model'])
    expect(warnings).toEqual(['temperature', 'top_p'].map((name) => `${name} left out: the model does not take it`))
  })

  test('effort, and thinking where it has to be asked for', () => {
    expect(render({ prompt: 'x', reasoning_effort: 'high' }).body).toMatchObject({
      output_config: { effort: 'high' },
      thinking: { type: 'adaptive' },
    })
    const newer = render({ prompt: 'x', reasoning_effort: 'high' }, { model: 'newer' })
    expect(newer.body).toMatchObject({ output_config: { effort: 'high' } })
    expect(newer.body).not.toHaveProperty('thinking')
    const thinking = render({ prompt: 'x', reasoning_effort: 'low', temperature: 0 })
    expect(thinking.body).not.toHaveProperty('temperature')
    expect(thinking.warnings).toEqual(['temperature left out: it does not go with thinking'])
  })

  test.each([
    ['medium', 'newer', 'low', ['reasoning_effort sent as low, the nearest that the model has to medium']],
    ['xhigh', 'older', 'high', ['reasoning_effort sent as high, the nearest that the model has to xhigh']],
    ['minimal', 'older', 'low', ['reasoning_effort sent as low, the nearest that the model has to minimal']],
    ['xhigh', 'new-one', 'xhigh', []],
  ])('effort %s for %s is sent as %s', (asked, model, sent, warnings) => {
    const rendered = render({ prompt: 'x', reasoning_effort: asked }, { model })
    expect(rendered.body['output_config']).toEqual({ effort: sent })
    expect(rendered.warnings).toEqual(warnings)
  })

  test('a model without effort gets none, and no effort asks for no thinking', () => {
    const { body, warnings } = render({ prompt: 'x', reasoning_effort: 'low' }, { model: 'effortless' })
    expect(body).not.toHaveProperty('output_config')
    expect(warnings).toEqual([
      'reasoning_effort left out: the model has no effort; a neutral line can give provider_options.anthropic.thinking',
    ])
    const translated = render(
      { request: { contents: [{ parts: [{ text: 'x' }] }], generationConfig: { thinkingConfig: { thinkingLevel: 'LOW' } } } },
      { model: 'effortless' },
    )
    expect(translated.warnings).toEqual([
      'generationConfig.thinkingConfig.thinkingLevel left out: the model has no effort; a neutral line can give provider_options.anthropic.thinking',
    ])
    expect(render({ prompt: 'x', reasoning_effort: 'none' }).body).not.toHaveProperty('thinking')
  })

  test('a schema goes beside the effort', () => {
    const { body } = render({ prompt: 'x', reasoning_effort: 'low', schema: closedSchema })
    expect(body['output_config']).toEqual({ effort: 'low', format: { type: 'json_schema', schema: closedSchema } })
  })

  test('a schema that Anthropic can not hold, or a model without structured output, gets it in words', () => {
    const open = render({ system: 'Short.', prompt: 'x', schema: { type: 'object', properties: {} } })
    expect(open.body).not.toHaveProperty('output_config')
    expect(open.body['system']).toEqual([
      { type: 'text', text: 'Short.' },
      { type: 'text', text: expect.stringContaining('"properties"') },
    ])
    expect(open.warnings).toEqual(['schema given as an instruction: / does not set additionalProperties: false'])
    const blind = render({ prompt: 'x', schema: closedSchema }, { model: 'blind' })
    expect(blind.body['system']).toContain('"label"')
    expect(blind.warnings).toEqual(['schema given as an instruction: the model has no structured output'])
  })
})

describe('native lines', () => {
  test('the params stay as they are, whatever the job sets', () => {
    const params = {
      model: 'newer',
      max_tokens: 9_999,
      messages: [{ role: 'user', content: 'x' }],
      temperature: 2,
      anything: [1],
    }
    const rendered = render({ params }, { model: 'newer', system: 'Job.', maxTokens: 5, schema: closedSchema })
    expect(rendered.body).toEqual(params)
    expect(rendered.warnings).toEqual([])
  })

  test('the model is its own or the job’s, not two', () => {
    expect(render(native({ model: 'other' }), { model: null }).model).toBe('other')
    expect(render(native({})).body['model']).toBe('older')
    expect(() => render(native({}), { model: null })).toThrow('params.model: no model: give the job one (-m anthropic/MODEL)')
    expect(() => render(native({ model: 'other' }))).toThrow('params.model: is "other", but the job is for "older"')
  })

  test('for a fallback model they are cleaned', () => {
    const params = {
      model: 'older',
      max_tokens: 5_000,
      temperature: 1,
      thinking: { type: 'disabled' },
      output_config: { effort: 'max' },
    }
    const { body, warnings } = render(native(params), { modelOverride: 'newer' })
    expect(body).toEqual({ model: 'newer', max_tokens: 1_000, messages: [], output_config: {} })
    expect(warnings).toHaveLength(4)
  })
})

describe('lines of OpenAI', () => {
  const chat = (body: JsonObject): JsonObject => ({ url: '/v1/chat/completions', body })
  const messages = [{ role: 'user', content: 'Hi' }]

  test('for chat completions they are translated', () => {
    const { body, warnings } = render(
      chat({
        messages: [
          { role: 'developer', content: 'Short.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look' },
              { type: 'image_url', image_url: { url: 'https://x.y/a.png', detail: 'low' } },
              { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGVsbG8=' } },
            ],
          },
          {
            role: 'assistant',
            content: null,
            refusal: null,
            tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
          },
          { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: '42' }] },
        ],
        max_completion_tokens: 7,
        temperature: 0,
        stop: 'END',
        seed: 1,
        n: 1,
        tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' }, strict: true } }],
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: closedSchema, strict: true } },
      }),
      { system: 'Job.', maxTokens: 3 },
    )
    expect(body).toEqual({
      model: 'older',
      system: 'Short.',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'url', url: 'https://x.y/a.png' } },
            { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: 'aGVsbG8=' } },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: '42' }] },
      ],
      tools: [{ name: 'f', input_schema: { type: 'object' } }],
      max_tokens: 7,
      temperature: 0,
      stop_sequences: ['END'],
      output_config: { format: { type: 'json_schema', schema: closedSchema } },
    })
    expect(warnings).toEqual(['seed left out: there is nothing like it'])
  })

  test.each([
    [{ messages, modalities: ['audio'] }, 'body.modalities: only ["text"] can be translated'],
    [{ messages, n: 2 }, 'body.n: only 1 can be translated'],
    [{ messages, tool_choice: 'required' }, 'body.tool_choice: only "auto"'],
    [{ messages, response_format: { type: 'json_object' } }, 'body.response_format: only "text" and "json_schema"'],
    [{ messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'body.messages[0].content[0].type: only text'],
    [
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] },
      'body.messages[0].content[0].file: only',
    ],
    [{ messages: [{ role: 'user', content: 'x', name: 'Bob' }] }, 'body.messages[0].name: can not be translated'],
    [{ messages: 'x' }, 'body.messages: expected an array'],
    [{ messages, temperature: 'hot' }, 'body.temperature: expected a number'],
    [{ messages, tools: [{ type: 'web_search' }] }, 'body.tools[0].type: only "function"'],
    [{}, 'body.messages'],
    [
      {
        messages: [
          { role: 'assistant', content: null, tool_calls: [{ id: 'c', function: { name: 'f', arguments: '[]' } }] },
          ...messages,
        ],
      },
      'body.messages[0].tool_calls[0].function.arguments: Anthropic takes only a JSON object',
    ],
  ])('%j is refused with its field', (body, message) => {
    expect(() => render(chat(body))).toThrow(message)
  })
})

describe('after an attempt that failed', () => {
  test('tokens are doubled, up to what the model can do', () => {
    expect(render({ prompt: 'x', max_tokens: 5 }, {}, { doubleMaxTokens: true }).body['max_tokens']).toBe(10)
    expect(render(native({ max_tokens: 900 }), {}, { doubleMaxTokens: true }).body['max_tokens']).toBe(1_000)
  })

  test('the rejected answer is shown with the reason; an empty one can not be', () => {
    const question = { role: 'user', content: 'x' }
    const complaint = { role: 'user', content: expect.stringContaining('/label must be string') }
    const revise = (text: string) =>
      render({ prompt: 'x' }, {}, { rejectedAnswer: { text, reason: '/label must be string' } }).body['messages']
    expect(revise('{"label": 1}')).toEqual([question, { role: 'assistant', content: '{"label": 1}' }, complaint])
    expect(revise(' ')).toEqual([question, complaint])
  })

  test('a refused parameter is left out', () => {
    const { body, warnings } = render({ prompt: 'x', temperature: 1 }, {}, { removedParameter: 'temperature' })
    expect(body).not.toHaveProperty('temperature')
    expect(warnings).toEqual(['temperature left out: the provider refused it'])
    expect(render({ prompt: 'x' }, {}, { removedParameter: 'top_k' }).warnings).toEqual([])
  })

  test('the line that came in is not touched', () => {
    const params = { model: 'older', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }
    const before = structuredClone(params)
    const { request } = parseInputLine(JSON.stringify({ params }), 1)
    const revision = { doubleMaxTokens: true, rejectedAnswer: { text: 'a', reason: 'b' }, removedParameter: 'messages' }
    renderAnthropicRequest(request, jobDefaults, () => older, revision)
    expect(request).toMatchObject({ body: before })
  })
})
