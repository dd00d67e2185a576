import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { answerOf, createTestApi, jsonLines, type TestApi } from '../test/api.ts'

// Lines of every format at every provider, as a dry run shows them: taken, and written as the provider would get them.

let api: TestApi
beforeAll(async () => {
  api = await createTestApi({ environment: { ANTHROPIC_API_KEY: 'sk-none', GEMINI_API_KEY: 'none' } })
})
afterAll(() => api.close())

const models = { openai: 'gpt-4o-mini', anthropic: 'claude-haiku-4-5', gemini: 'gemini-2.5-flash' } as const
type ProviderName = keyof typeof models

async function dryRun(line: JsonObject, query: Record<string, string>) {
  const response = await api.upload(jsonLines(line), { dry_run: 'true', ...query })
  return { status: response.status, answer: await answerOf(response) }
}

const schema = {
  type: 'object',
  properties: { label: { type: 'string' } },
  required: ['label'],
  additionalProperties: false,
}
const format = { type: 'json_schema', schema }
const named = { type: 'json_schema', name: 'answer', schema, strict: true }

/** One question in each format, with something in it that only its own provider has. */
const lines: Record<string, { own: ProviderName | null; line: JsonObject; leftOut: string[] }> = {
  neutral: {
    own: null,
    line: { custom_id: 'mine', system: 'Be brief.', prompt: 'Good or bad?', max_tokens: 20, temperature: 0.5, schema },
    leftOut: [],
  },
  'OpenAI for chat': {
    own: 'openai',
    line: {
      custom_id: 'mine',
      method: 'POST',
      url: '/v1/chat/completions',
      body: {
        model: models.openai,
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Good or bad?' },
        ],
        max_tokens: 20,
        temperature: 0.5,
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
        seed: 7,
      },
    },
    leftOut: ['seed left out: there is nothing like it'],
  },
  'OpenAI for responses': {
    own: 'openai',
    line: {
      custom_id: 'mine',
      method: 'POST',
      url: '/v1/responses',
      body: {
        model: models.openai,
        instructions: 'Be brief.',
        input: 'Good or bad?',
        max_output_tokens: 20,
        temperature: 0.5,
        text: { format: named },
        store: false,
      },
    },
    leftOut: ['store left out: there is nothing like it'],
  },
  Anthropic: {
    own: 'anthropic',
    line: {
      custom_id: 'mine',
      params: {
        model: models.anthropic,
        max_tokens: 20,
        system: 'Be brief.',
        messages: [{ role: 'user', content: 'Good or bad?' }],
        temperature: 0.5,
        output_config: { format },
        top_k: 4,
      },
    },
    leftOut: ['top_k left out: there is nothing like it'],
  },
  Gemini: {
    own: 'gemini',
    line: {
      key: 'mine',
      request: {
        model: `models/${models.gemini}`,
        system_instruction: { parts: [{ text: 'Be brief.' }] },
        contents: [{ role: 'user', parts: [{ text: 'Good or bad?' }] }],
        generation_config: {
          max_output_tokens: 20,
          temperature: 0.5,
          response_mime_type: 'application/json',
          response_schema: { type: 'OBJECT', properties: { label: { type: 'STRING' } }, required: ['label'] },
        },
        safety_settings: [],
      },
    },
    leftOut: ['safetySettings left out: there is nothing like it'],
  },
}

/** The question as each provider gets it, in its own words and nothing else. */
const written: Record<ProviderName, JsonObject> = {
  openai: {
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: models.openai,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Good or bad?' },
      ],
      max_tokens: 20,
      temperature: 0.5,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
    },
  },
  anthropic: {
    params: {
      model: models.anthropic,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Good or bad?' }],
      max_tokens: 20,
      temperature: 0.5,
      output_config: { format },
    },
  },
  gemini: {
    request: {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [{ role: 'user', parts: [{ text: 'Good or bad?' }] }],
      generationConfig: {
        maxOutputTokens: 20,
        temperature: 0.5,
        responseMimeType: 'application/json',
        responseSchema: {
          type: 'OBJECT',
          properties: { label: { type: 'STRING' } },
          propertyOrdering: ['label'],
          required: ['label'],
        },
      },
    },
  },
}

const pairs = Object.keys(lines).flatMap((name) =>
  (Object.keys(models) as ProviderName[]).map((provider): [string, ProviderName] => [name, provider]),
)

test.each(pairs)('%s at %s', async (name, provider) => {
  const { own, line, leftOut } = lines[name] as (typeof lines)[string]
  const { status, answer } = await dryRun(line, { provider, model: models[provider] })
  expect(status, JSON.stringify(answer)).toBe(200)
  expect(answer).toMatchObject({ provider, model: models[provider], items: 1, rejected_lines: 0, batches: 1 })
  const { custom_id: _customId, key: _key, ...rest } = answer.first_request as JsonObject
  const { custom_id: _ownId, key: _ownKey, ...untouched } = line
  expect(rest).toEqual(own === provider ? untouched : written[provider])
  expect(answer.warnings).toEqual(own === provider || leftOut.length === 0 ? [] : [{ warnings: leftOut, items: 1 }])
  // What is stored with the item is the exact size of what is sent, whose id is longer by what a batch adds to it.
  expect(answer.bytes).toBe(Buffer.byteLength(JSON.stringify(answer.first_request)) + 1)
})

test.each(['Anthropic', 'Gemini'])('%s at OpenAI’s responses, where the job says so', async (name) => {
  const line = (lines[name] as (typeof lines)[string]).line
  const { answer } = await dryRun(line, { provider: 'openai', model: models.openai, endpoint: '/v1/responses' })
  expect(answer).toMatchObject({
    endpoint: '/v1/responses',
    first_request: {
      url: '/v1/responses',
      body: {
        input: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Good or bad?' },
        ],
        max_output_tokens: 20,
        text: { format: named },
      },
    },
  })
})

describe('embeddings', () => {
  const openAi = { url: '/v1/embeddings', body: { model: 'text-embedding-3-small', input: 'x', dimensions: 8, user: 'u' } }
  const gemini = { request: { content: { parts: [{ text: 'x' }] }, output_dimensionality: 8, autoTruncate: false } }
  const there: Record<string, JsonObject> = {
    openai: { url: '/v1/embeddings', body: { model: 'text-embedding-3-small', input: 'x', dimensions: 8 } },
    gemini: { request: { content: { parts: [{ text: 'x' }] }, outputDimensionality: 8 } },
  }
  test.each<[string, JsonObject, string, string]>([
    ['OpenAI’s', openAi, 'gemini', 'gemini-embedding-2'],
    ['Gemini’s', gemini, 'openai', 'text-embedding-3-small'],
    ['neutral', { input: 'x' }, 'gemini', 'gemini-embedding-2'],
  ])('%s: %j at %s', async (name, line, provider, model) => {
    const { answer } = await dryRun(line, { provider, model })
    const expected = name === 'neutral' ? { request: { content: { parts: [{ text: 'x' }] } } } : there[provider]
    expect(answer, JSON.stringify(answer)).toMatchObject({ model, first_request: expected })
    expect(answer.warnings).toHaveLength(name === 'neutral' ? 0 : 1)
  })

  test.each([openAi, gemini])('Anthropic makes none: %j', async (line) => {
    const { status, answer } = await dryRun(line, { provider: 'anthropic', model: models.anthropic })
    expect(status).toBe(422)
    expect(answer.errors).toMatchObject([{ line: 1, reason: expect.stringContaining('which Anthropic does not make') }])
  })
})

describe('what is refused has its line and the field as it was written', () => {
  const image = { inline_data: { mime_type: 'image/heic', data: 'aGk=' } }
  test.each<[ProviderName, JsonObject, string]>([
    [
      'openai',
      { params: { max_tokens: 1, messages: [], tools: [{ type: 'web_search_20260209', name: 'w' }] } },
      'params.tools[0].type',
    ],
    [
      'gemini',
      {
        params: {
          max_tokens: 1,
          messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }],
        },
      },
      'params.messages[0].content[0].source',
    ],
    ['openai', { request: { contents: [{ parts: [{ text: 'x' }] }], cached_content: 'c' } }, 'request.cached_content'],
    ['anthropic', { request: { contents: [{ parts: [{ text: 'x' }, image] }] } }, 'request.contents[0].parts[1]'],
    ['anthropic', { url: '/v1/responses', body: { input: 'x', previous_response_id: 'r' } }, 'body.previous_response_id'],
    [
      'gemini',
      {
        url: '/v1/responses',
        body: {
          input: [
            { role: 'user', content: 'x' },
            { type: 'item_reference', id: 'i' },
          ],
        },
      },
      'body.input[1].type',
    ],
    [
      'gemini',
      {
        params: {
          max_tokens: 1,
          messages: [{ role: 'user', content: 'x' }],
          output_config: { format: { type: 'json_schema', schema: { type: 'objekt' } } },
        },
      },
      'params.output_config.format',
    ],
  ])('at %s: %j', async (provider, line, field) => {
    const { status, answer } = await dryRun(line, { provider, model: models[provider] })
    expect(status).toBe(422)
    expect(answer.errors).toMatchObject([{ line: 1, field }])
  })

  test('a model of another provider, where the job has none', async () => {
    const { line } = lines['Anthropic'] as (typeof lines)[string]
    const { status, answer } = await dryRun(line, { provider: 'openai' })
    expect(status).toBe(422)
    expect(answer.errors).toMatchObject([{ line: 1, field: 'params.model', reason: expect.stringContaining('-m openai/MODEL') }])
  })
})

test('a job of translated lines is stored: the lines as they came, each with what was left out, and its answers will be checked', async () => {
  const { line, leftOut } = lines['Anthropic'] as (typeof lines)[string]
  const response = await api.upload(jsonLines(line), { provider: 'openai', model: models.openai })
  expect(response.status).toBe(201)
  const { id } = await answerOf(response)
  const { sql } = api.test.database
  expect(await sql`select line, warnings from items where job_id = ${id}`).toEqual([
    { line: JSON.stringify(line), warnings: JSON.stringify(leftOut) },
  ])
  expect(await sql`select item_schemas, model, endpoint from jobs where id = ${id}`).toEqual([
    { item_schemas: true, model: models.openai, endpoint: '/v1/chat/completions' },
  ])
})

test('what a job asks and a line in a format of its own is not asked is said', async () => {
  const own = { url: '/v1/chat/completions', body: { messages: [{ role: 'user', content: 'Hi' }] } }
  const spec = {
    provider: 'openai',
    model: 'gpt-5-mini',
    system: 'Be brief.',
    max_tokens: 20,
    schema: { type: 'object', additionalProperties: false },
  }
  const { warnings } = await answerOf(api.post('/v1/jobs?dry_run=true', { ...spec, items: [own, own] }))
  expect(warnings).toEqual([
    {
      items: 2,
      warnings: [
        expect.stringMatching(/^system of the job left out/),
        expect.stringMatching(/^max_tokens of the job left out/),
        expect.stringMatching(/^schema of the job is not in the request/),
      ],
    },
  ])
  const neutral = await answerOf(api.post('/v1/jobs?dry_run=true', { ...spec, items: [{ prompt: 'Hi' }] }))
  expect(neutral.warnings).toEqual([])
})
