import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel, type ModelCapabilities } from '../core/model-capabilities.ts'
import { renderGeminiRequest } from './gemini-request.ts'
import { parseInputLine } from './input-line.ts'
import { type JobDefaults, noDefaults, noRevision, type Revision } from './rendering.ts'

const any: ModelCapabilities = { ...unknownModel, known: true, embeddings: false, maxOutputTokens: 1_000 }
const models: Record<string, ModelCapabilities> = {
  three: { ...any, efforts: ['low', 'medium', 'high'] },
  newest: { ...any, reasoning: true, efforts: ['low', 'high'] },
  two: { ...any, thinkingBudget: { least: 128, most: 20_000 } },
  thoughtless: any,
  blind: { ...any, images: false, files: false, tools: false, structuredOutput: false },
  embedder: { ...any, embeddings: true, structuredOutput: false, tools: false },
}
const unknown: ModelCapabilities = { ...any, known: false, embeddings: true, maxOutputTokens: null }

const jobDefaults: JobDefaults = { ...noDefaults, model: 'three' }

function render(line: JsonObject, defaults: Partial<JobDefaults> = {}, revision?: Partial<Revision>) {
  return renderGeminiRequest(
    parseInputLine(JSON.stringify(line), 1).request,
    { ...jobDefaults, ...defaults },
    (model) => models[model] ?? unknown,
    revision === undefined ? undefined : { ...noRevision, ...revision },
  )
}

const config = (line: JsonObject, model = 'three') => render(line, { model }).body['generationConfig']
const user = (text: string): JsonObject => ({ role: 'user', parts: [{ text }] })
const schema = { type: 'object', properties: { label: { type: 'string' } }, required: ['label'], additionalProperties: false }

describe('contents', () => {
  test('a neutral line in Gemini’s own terms, and nothing more: the model is the batch’s', () => {
    const rendered = render({ system: 'Be short.', prompt: 'Hi', max_tokens: 5, temperature: 0.5, top_p: 0.9, stop: 'END' })
    expect(rendered).toEqual({
      model: 'three',
      endpoint: 'generateContent',
      warnings: [],
      body: {
        systemInstruction: { parts: [{ text: 'Be short.' }] },
        contents: [user('Hi')],
        generationConfig: { maxOutputTokens: 5, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
      },
    })
    expect(render({ prompt: 'Hi' }).body).toEqual({ contents: [user('Hi')] })
  })

  test('the job’s values where the line is silent, and a system message in the middle with a warning', () => {
    const defaults = { system: 'Job.', schema: null, maxTokens: 7, temperature: 1 }
    const { body } = render({ prompt: 'Hi', temperature: 0 }, defaults)
    expect(body).toMatchObject({
      systemInstruction: { parts: [{ text: 'Job.' }] },
      generationConfig: { maxOutputTokens: 7, temperature: 0 },
    })
    const { body: moved, warnings } = render({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'system', content: 'b' },
      ],
    })
    expect(moved['systemInstruction']).toEqual({ parts: [{ text: 'b' }] })
    expect(warnings).toEqual([expect.stringContaining('messages[1]')])
  })

  test('calls and what came of them: named, as objects, those of parallel calls in one turn', () => {
    const messages = [
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'c1', name: 'weather', arguments: '{"city":"Rome"}' },
          { id: 'c2', name: 'time', arguments: '' },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: '{"degrees":21}' },
      { role: 'tool', tool_call_id: 'c2', content: 'noon' },
      { role: 'user', content: 'So?' },
    ]
    const tools = [{ name: 'weather', description: 'd', parameters: { type: 'object' } }, { name: 'time' }]
    expect(render({ messages, tools }).body).toEqual({
      contents: [
        user('Weather?'),
        {
          role: 'model',
          parts: [
            // Gemini 3 wants a signature that another model can't have given.
            {
              functionCall: { id: 'c1', name: 'weather', args: { city: 'Rome' } },
              thoughtSignature: 'skip_thought_signature_validator',
            },
            { functionCall: { id: 'c2', name: 'time', args: {} } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: 'c1', name: 'weather', response: { degrees: 21 } } },
            { functionResponse: { id: 'c2', name: 'time', response: { result: 'noon' } } },
          ],
        },
        user('So?'),
      ],
      tools: [
        {
          functionDeclarations: [
            { name: 'weather', description: 'd', parametersJsonSchema: { type: 'object' } },
            { name: 'time' },
          ],
        },
      ],
    })
    expect(JSON.stringify(render({ messages }, { model: 'two' }).body)).not.toContain('thoughtSignature')
  })

  test('images and files: inline by their data, also of a data URL, and by their address', () => {
    const parts = (content: JsonObject[]) => (render({ prompt: content }).body['contents'] as JsonObject[])[0]?.['parts']
    expect(
      parts([
        { type: 'text', text: 'x' },
        { type: 'image', data: 'AAAA', media_type: 'IMAGE/png' },
        { type: 'image', url: 'data:image/jpeg;base64,BBBB' },
        { type: 'image', url: 'https://example.com/a.WEBP?x=1' },
        { type: 'file', data: 'CCCC', media_type: 'application/pdf', name: 'a.pdf' },
        { type: 'file', url: 'https://example.com/report' },
      ]),
    ).toEqual([
      { text: 'x' },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { inlineData: { mimeType: 'image/jpeg', data: 'BBBB' } },
      { fileData: { mimeType: 'image/webp', fileUri: 'https://example.com/a.WEBP?x=1' } },
      { inlineData: { mimeType: 'application/pdf', data: 'CCCC' } },
      { fileData: { fileUri: 'https://example.com/report' } },
    ])
  })

  test.each<[JsonObject, string, string]>([
    [{ prompt: [{ type: 'image', data: 'AAAA', media_type: 'image/gif' }] }, 'three', 'messages[0].content[0]'],
    [{ prompt: [{ type: 'image', url: 'https://x.y/a.png' }] }, 'blind', 'messages[0].content[0]'],
    [{ prompt: 'x', tools: [{ name: 't' }] }, 'blind', 'tools'],
    [{ messages: [{ role: 'system', content: 'x' }] }, 'three', 'messages'],
    [{ messages: [{ role: 'tool', tool_call_id: 'c9', content: 'x' }] }, 'three', 'messages[0].tool_call_id'],
    [
      { messages: [{ role: 'assistant', content: '', tool_calls: [{ id: 'a', name: 'b', arguments: '[' }] }] },
      'three',
      'messages[0].tool_calls[0].arguments',
    ],
    [
      {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: 'y' },
        ],
      },
      'newest',
      'messages[1]',
    ],
    [{ prompt: 'x', stop: ['1', '2', '3', '4', '5', '6'] }, 'three', 'stop'],
    [{ prompt: 'x', reasoning_effort: 'hard' }, 'three', 'reasoning_effort'],
    [{ prompt: 'x' }, 'embedder', 'messages'],
    [{ input: 'x' }, 'three', 'input'],
  ])('%j can not be said to %s: %s', (line, model, field) => {
    expect(() => render(line, { model })).toThrow(
      expect.objectContaining({ code: 'unsupported_request', details: expect.objectContaining({ field }) }),
    )
  })
})

describe('parameters', () => {
  test('what the model ignores is left out and said', () => {
    const { body, warnings } = render({ prompt: 'x', temperature: 1, top_p: 0.5, max_tokens: 9_000 }, { model: 'newest' })
    expect(body['generationConfig']).toEqual({ maxOutputTokens: 1_000 })
    expect(warnings).toEqual([
      expect.stringContaining('max_tokens lowered'),
      'temperature left out: the model ignores it',
      'top_p left out: the model ignores it',
    ])
  })

  test.each([
    ['three', 'medium', { thinkingLevel: 'MEDIUM' }],
    ['three', 'minimal', { thinkingLevel: 'LOW' }],
    ['three', 'max', { thinkingLevel: 'HIGH' }],
    ['newest', 'medium', { thinkingLevel: 'LOW' }],
    ['two', 'low', { thinkingBudget: 1_024 }],
    ['two', 'high', { thinkingBudget: 20_000 }],
    ['two', 'none', { thinkingBudget: 128 }],
    ['gemini-9', 'high', { thinkingLevel: 'HIGH' }],
  ])('effort for %s: %s', (model, effort, thinkingConfig) => {
    expect(config({ prompt: 'x', reasoning_effort: effort }, model)).toEqual({ thinkingConfig })
  })

  test('an effort that is not sent as it was asked for is said', () => {
    const warnings = (model: string, effort: string) => render({ prompt: 'x', reasoning_effort: effort }, { model }).warnings
    expect(warnings('three', 'low')).toEqual([])
    expect(warnings('three', 'minimal')).toEqual([expect.stringContaining('sent as low')])
    expect(warnings('two', 'none')).toEqual([expect.stringContaining('128 tokens')])
    expect(warnings('thoughtless', 'low')).toEqual([expect.stringContaining('left out')])
  })

  test('a schema in the dialect that batches follow, where it can be said in it', () => {
    expect(config({ prompt: 'x', schema })).toEqual({
      responseMimeType: 'application/json',
      responseSchema: {
        type: 'OBJECT',
        properties: { label: { type: 'STRING' } },
        propertyOrdering: ['label'],
        required: ['label'],
      },
    })
  })

  test('another schema as it is', () => {
    const recursive = { type: 'object', properties: { next: { $ref: '#' } } }
    expect(config({ prompt: 'x', schema: recursive })).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: recursive,
    })
  })

  test('as an instruction where the model takes none, or none beside tools', () => {
    const blind = render({ system: 'S', prompt: 'x', schema }, { model: 'blind' })
    expect(blind.body).not.toHaveProperty('generationConfig')
    expect(JSON.stringify(blind.body['systemInstruction'])).toContain('JSON Schema')
    expect(blind.warnings).toEqual([expect.stringContaining('schema given as an instruction')])
    const line = { prompt: 'x', schema, tools: [{ name: 't' }] }
    expect(render(line, { model: 'two' }).warnings).toHaveLength(1)
    expect(render(line).warnings).toEqual([])
  })

  test('provider options are merged last, into the configuration and not over it', () => {
    const options = { gemini: { safetySettings: [], generationConfig: { seed: 7, temperature: 2 } }, openai: { seed: 1 } }
    const { body } = render({ prompt: 'x', temperature: 1, max_tokens: 5, provider_options: options })
    expect(body['safetySettings']).toEqual([])
    expect(body['generationConfig']).toEqual({ maxOutputTokens: 5, temperature: 2, seed: 7 })
    expect(render({ prompt: 'x', provider_options: options }).body['generationConfig']).toEqual({ seed: 7, temperature: 2 })
  })
})

describe('embeddings', () => {
  test('an input asks for one, with its own method', () => {
    const line = { input: 'x', provider_options: { gemini: { outputDimensionality: 8 } } }
    expect(render(line, { model: 'embedder' })).toMatchObject({
      endpoint: 'embedContent',
      body: { content: { parts: [{ text: 'x' }] }, outputDimensionality: 8 },
    })
    expect(render(line, { model: 'embedder', endpoint: '/v1/embeddings' }).endpoint).toBe('embedContent')
    expect(() => render(line, { model: 'embedder', endpoint: '/v1/responses' })).toThrow(/input/)
  })

  test('so does OpenAI’s line', () => {
    const body = { model: 'embedder', input: 'x', dimensions: 8 }
    expect(render({ url: '/v1/embeddings', body }, { model: null }).body).toEqual({
      content: { parts: [{ text: 'x' }] },
      outputDimensionality: 8,
    })
    expect(() => render({ url: '/v1/embeddings', body: { ...body, input: ['x'] } }, { model: null })).toThrow(/body\.input/)
  })
})

describe('lines of others', () => {
  const request = { contents: [user('Hi')], generationConfig: { temperature: 1, thinkingConfig: { thinkingBudget: 5 } } }

  test('Gemini’s own goes as it came, whatever the job says', () => {
    const rendered = render({ key: 'a', request }, { system: 'S', maxTokens: 5 })
    expect(rendered).toMatchObject({ model: 'three', endpoint: 'generateContent', body: request, warnings: [] })
    expect(render({ request: { ...request, model: 'models/three' } }, { model: null }).model).toBe('three')
    expect(() => render({ request: { ...request, model: 'two' } })).toThrow(/request\.model/)
  })

  test('for a fallback model it is cleaned', () => {
    const { body, warnings } = render({ request: { ...request, model: 'three' } }, { modelOverride: 'newest' })
    expect(body).toEqual({ contents: request.contents, model: 'models/newest', generationConfig: {} })
    expect(warnings).toHaveLength(2)
  })

  test('OpenAI’s chat lines are translated', () => {
    const body = { model: 'three', messages: [{ role: 'user', content: 'Hi' }], max_completion_tokens: 9, user: 'u' }
    const rendered = render({ url: '/v1/chat/completions', body }, { system: 'not mine' })
    expect(rendered.body).toEqual({ contents: [user('Hi')], generationConfig: { maxOutputTokens: 9 } })
    expect(rendered.warnings).toHaveLength(1)
    const asked = { ...body, stop: ['1', '2', '3', '4', '5', '6'] }
    expect(() => render({ url: '/v1/chat/completions', body: asked })).toThrow(/body\.stop/)
  })
})

describe('the next round', () => {
  const turns = [
    { role: 'model', parts: [{ text: 'No.' }] },
    { role: 'user', parts: [{ text: expect.stringContaining('bad') }] },
  ]

  test('a rejected answer is shown, an empty one only told about', () => {
    const rejectedAnswer = { text: 'No.', reason: 'bad' }
    expect(render({ prompt: 'x' }, {}, { rejectedAnswer }).body['contents']).toEqual([user('x'), ...turns])
    const empty = { text: ' ', reason: 'bad' }
    expect(render({ prompt: 'x' }, {}, { rejectedAnswer: empty }).body['contents']).toEqual([user('x'), turns[1]])
  })

  test('an answer that was cut off gets double the tokens, or all that the model has', () => {
    const tokens = (line: JsonObject) => render(line, {}, { doubleMaxTokens: true }).body['generationConfig']
    expect(tokens({ prompt: 'x', max_tokens: 300 })).toEqual({ maxOutputTokens: 600 })
    expect(tokens({ prompt: 'x', max_tokens: 900 })).toEqual({ maxOutputTokens: 1_000 })
    expect(tokens({ prompt: 'x' })).toEqual({ maxOutputTokens: 1_000 })
  })

  test('a refused parameter goes, wherever it is; a native line is changed as well, and not in place', () => {
    const request = { contents: [], generationConfig: { topK: 3, seed: 1 } }
    const { body, warnings } = render({ request }, {}, { removedParameter: 'topK' })
    expect(body).toEqual({ contents: [], generationConfig: { seed: 1 } })
    expect(warnings).toEqual(['topK left out: the provider refused it'])
    expect(request.generationConfig.topK).toBe(3)
  })
})
