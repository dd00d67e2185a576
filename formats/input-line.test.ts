import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidLineError, parseInputLine } from './input-line.ts'

function problemOf(line: unknown): { field: string | null; reason: string; line: number } {
  try {
    parseInputLine(typeof line === 'string' ? line : JSON.stringify(line), 7)
  } catch (error) {
    if (error instanceof InvalidLineError) return { field: error.field, reason: error.reason, line: error.line }
    throw error
  }
  throw new Error('the line was taken')
}

const parse = (line: unknown) => parseInputLine(JSON.stringify(line), 1)

describe('neutral lines', () => {
  test('a prompt becomes one message of the user', () => {
    expect(parse({ custom_id: 'a', prompt: 'Hello', metadata: { row: 3 } })).toEqual({
      customId: 'a',
      metadata: { row: 3 },
      lineFormat: 'neutral',
      request: { kind: 'generate', messages: [{ role: 'user', content: 'Hello' }] },
    })
  })

  test('all fields of a request come through', () => {
    const tools = [{ name: 'look_up', description: 'Looks up', parameters: { type: 'object' } }]
    const { request } = parse({
      system: 'Be short.',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 5,
      temperature: 0.5,
      top_p: 0.9,
      stop: 'END',
      schema: { type: 'object' },
      tools,
      reasoning_effort: 'low',
      provider_options: { openai: { seed: 1 } },
    })
    expect(request).toEqual({
      kind: 'generate',
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'Hi' },
      ],
      max_tokens: 5,
      temperature: 0.5,
      top_p: 0.9,
      stop: ['END'],
      schema: { type: 'object' },
      tools,
      reasoning_effort: 'low',
      provider_options: { openai: { seed: 1 } },
    })
  })

  test('input asks for an embedding', () => {
    expect(parse({ input: 'some text' }).request).toEqual({ kind: 'embed', input: 'some text' })
  })

  test('images and files come by URL or as base64', () => {
    const parts = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', url: 'https://example.com/a.png' },
      { type: 'image', data: 'aGVsbG8=', media_type: 'image/png' },
      { type: 'file', data: 'aGVsbG8=', media_type: 'application/pdf', name: 'a.pdf' },
    ]
    expect(parse({ prompt: parts }).request).toEqual({ kind: 'generate', messages: [{ role: 'user', content: parts }] })
  })

  test('a conversation with tool calls comes through', () => {
    const messages = [
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: '', tool_calls: [{ id: 'c1', name: 'weather', arguments: '{}' }] },
      { role: 'tool', tool_call_id: 'c1', content: 'Sunny' },
    ]
    expect(parse({ messages }).request).toMatchObject({ messages })
  })

  test.each([
    [{ promt: 'x' }, 'promt', 'unknown field (did you mean "prompt"?)'],
    [{ prompt: 5 }, 'prompt', 'expected a string or an array, got 5'],
    [{ prompt: null }, 'prompt', 'expected a string or an array, got null'],
    [{ prompt: 'x', max_tokens: '5' }, 'max_tokens', 'expected a number, got a string'],
    [{ prompt: 'x', max_tokens: 1.5 }, 'max_tokens', 'expected a whole number, got 1.5'],
    [{ prompt: 'x', max_tokens: 0 }, 'max_tokens', 'must be above 0'],
    [{ prompt: 'x', temperature: 3 }, 'temperature', 'must be between 0 and 2'],
    [{ prompt: 'x', schema: [] }, 'schema', 'expected an object'],
    [{ prompt: 'x', tools: [{ nme: 'f' }] }, 'tools[0].name', 'is missing'],
    [{ prompt: 'x', stop: [1] }, 'stop[0]', 'expected a string, got 1'],
    [{ prompt: 'x', provider_options: { openai: 1 } }, 'provider_options.openai', 'expected an object'],
    [{ custom_id: '', prompt: 'x' }, 'custom_id', 'must not be empty'],
    [{ custom_id: 'x'.repeat(513), prompt: 'x' }, 'custom_id', 'must have at most 512 characters'],
    [{ custom_id: 7, prompt: 'x' }, 'custom_id', 'expected a string, got 7'],
    [{ messages: [] }, 'messages', 'expected at least one message'],
    [{ messages: [{ content: 'x' }] }, 'messages[0].role', 'is missing'],
    [{ messages: [{ role: 'usr', content: 'x' }] }, 'messages[0].role', 'expected "system" or "user" or "assistant" or "tool"'],
    [{ messages: [{ role: 'user', content: 'x', nme: 'y' }] }, 'messages[0].nme', 'unknown field'],
    [{ messages: [{ role: 'user', content: [{ type: 'text', txt: 'a' }] }] }, 'messages[0].content[0].text', 'is missing'],
    [{ prompt: [{ type: 'image' }] }, 'prompt[0]', 'give the image as `url`, or as `data` (base64) with `media_type`'],
    [{ prompt: [{ type: 'image', url: 'ftp://x' }] }, 'prompt[0].url', 'expected an http, https or data URL'],
    [{ prompt: [{ type: 'image', data: '<>', media_type: 'image/png' }] }, 'prompt[0].data', 'expected base64'],
    [{ custom_id: 'a' }, null, 'has no request: give `prompt`, `messages`, or `input` (for an embedding)'],
    [{ prompt: 'a', input: 'b' }, 'input', 'give only one of prompt, messages and input, not also prompt'],
    [{ input: 'a', schema: {} }, 'schema', 'does not go with `input`, which asks for an embedding'],
  ])('%j is refused at %s', (line, field, reason) => {
    expect(problemOf(line)).toEqual({ line: 7, field, reason })
  })

  test('a local path is refused', () => {
    const { field, reason } = problemOf({ prompt: [{ type: 'image', path: 'cat.png' }] })
    expect(field).toBe('prompt[0].path')
    expect(reason).toContain('local files are not read')
  })

  test('options of a provider that there is not are refused with the nearest name', () => {
    expect(problemOf({ prompt: 'x', provider_options: { opnai: { seed: 1 } } })).toMatchObject({
      field: 'provider_options.opnai',
      reason: expect.stringContaining('did you mean "openai"'),
    })
  })

  test('an empty prompt is refused', () => {
    expect(problemOf({ prompt: '' })).toMatchObject({ field: 'prompt', reason: 'must not be empty' })
  })

  test('integers that no double holds are passed on as they are written', () => {
    const text = '{"prompt":"x","metadata":{"order_id":9007199254740993}}'
    expect(JSON.stringify(parseInputLine(text, 1).metadata)).toBe('{"order_id":9007199254740993}')
    const native = '{"url":"/v1/chat/completions","body":{"messages":[],"seed":12345678901234567890}}'
    const { request } = parseInputLine(native, 1)
    expect(JSON.stringify(request.kind === 'native' ? request.body : null)).toBe('{"messages":[],"seed":12345678901234567890}')
  })

  test('base64 without its media type is refused', () => {
    expect(problemOf({ prompt: [{ type: 'image', data: 'aGVsbG8=' }] })).toMatchObject({
      field: 'prompt[0].media_type',
      reason: expect.stringContaining('is missing'),
    })
  })

  test('text of any kind survives', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        expect(parse({ prompt: text }).request).toEqual({ kind: 'generate', messages: [{ role: 'user', content: text }] })
      }),
    )
  })
})

describe('lines of OpenAI', () => {
  const line = {
    custom_id: 'r1',
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4o-mini', messages: [], unknown_field: 1 },
  }

  test('the body is kept untouched', () => {
    expect(parse(line)).toEqual({
      customId: 'r1',
      metadata: null,
      lineFormat: 'openai',
      request: { kind: 'native', format: 'openai', endpoint: '/v1/chat/completions', body: line.body },
    })
  })

  test.each([
    [{ ...line, url: '/v1/chat/completion' }, 'url', /did you mean "\/v1\/chat\/completions"/],
    [{ ...line, method: 'GET' }, 'method', /expected "POST"/],
    [{ custom_id: 'x', url: '/v1/responses' }, 'body', /is missing/],
    [{ custom_id: 'x', body: {} }, 'url', /is missing/],
    [{ ...line, body: [] }, 'body', /expected an object/],
    [{ ...line, body: { stream: true } }, 'body.stream', /can not stream/],
    [{ ...line, body: { model: 5 } }, 'body.model', /expected a string/],
    [{ ...line, metadata: {} }, 'metadata', /unknown field/],
    [{ ...line, body: { model: 'gpt-4o-mini' } }, 'body.messages', /is missing/],
    [{ ...line, url: '/v1/embeddings' }, 'body.input', /is missing/],
  ])('%j is refused at %s', (bad, field, reason) => {
    expect(problemOf(bad)).toMatchObject({ field, reason: expect.stringMatching(reason) })
  })
})

describe('lines of Anthropic', () => {
  const params = { model: 'claude-haiku-5-5', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }], unknown_field: 1 }

  test('the params are kept untouched', () => {
    expect(parse({ custom_id: 'r1', params })).toEqual({
      customId: 'r1',
      metadata: null,
      lineFormat: 'anthropic',
      request: { kind: 'native', format: 'anthropic', endpoint: '/v1/messages', body: params },
    })
    expect(parse({ params }).customId).toBeNull()
  })

  test.each([
    [{ params: [] }, 'params', /expected an object/],
    [{ params: { ...params, model: 5 } }, 'params.model', /expected a string/],
    [{ params: { ...params, stream: true } }, 'params.stream', /can not stream/],
    [{ params: { ...params, speed: 'fast' } }, 'params.speed', /leave it out/],
    [{ params: { max_tokens: 5 } }, 'params.messages', /is missing/],
    [{ params: { messages: [] } }, 'params.max_tokens', /is missing: Anthropic requires it/],
    [{ params: { ...params, max_tokens: '5' } }, 'params.max_tokens', /expected a number/],
    [{ custom_id: 7, params }, 'custom_id', /expected a string/],
    [{ params, metadata: {} }, 'metadata', /unknown field/],
  ])('%j is refused at %s', (bad, field, reason) => {
    expect(problemOf(bad)).toMatchObject({ field, reason: expect.stringMatching(reason) })
  })
})

describe('lines of Gemini', () => {
  const request = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }], unknownField: 1 }

  test('the request is kept untouched', () => {
    expect(parse({ key: 'r1', request })).toEqual({
      customId: 'r1',
      metadata: null,
      lineFormat: 'gemini',
      request: { kind: 'native', format: 'gemini', endpoint: 'generateContent', body: request },
    })
    expect(parse({ request }).customId).toBeNull()
  })

  test('one with content asks for an embedding', () => {
    const body = { content: { parts: [{ text: 'Hi' }] }, outputDimensionality: 8 }
    expect(parse({ key: 'r1', request: body }).request).toMatchObject({ endpoint: 'embedContent', body })
  })

  test.each([
    [{ key: 'a', request: [] }, 'request', /expected an object/],
    [{ key: 'a' }, 'request', /is missing/],
    [{ request: { ...request, model: 5 } }, 'request.model', /expected a string/],
    [{ request: {} }, 'request.contents', /is missing/],
    [{ request: { contents: 'Hi' } }, 'request.contents', /expected an array/],
    [{ request: { ...request, content: {} } }, 'request.content', /not both/],
    [{ key: 7, request }, 'key', /expected a string/],
    [{ request, metadata: {} }, 'metadata', /unknown field/],
  ])('%j is refused at %s', (bad, field, reason) => {
    expect(problemOf(bad)).toMatchObject({ field, reason: expect.stringMatching(reason) })
  })
})

describe('what is no line', () => {
  test('a cut line says so', () => {
    expect(problemOf('{"prompt": "abc').reason).toContain('was the file cut?')
  })

  test.each(['[1]', '"text"', 'null', '5', 'not json at all', ''])('%s is refused as a whole', (text) => {
    expect(problemOf(text).field).toBeNull()
  })

  test('no JSON value makes it throw anything but InvalidLineError', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          parseInputLine(text, 1)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidLineError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
