import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, createTestApi, jsonLines, testModel as model, type TestApi } from '../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

describe('bad input stores nothing and says what is wrong', () => {
  const good = '{"prompt":"ok"}\n'
  const cases: Array<
    [name: string, body: string | Uint8Array, query: Record<string, string>, status: number, code: string, says: RegExp]
  > = [
    ['an empty file', '', { model }, 422, 'empty_input', /no items/],
    ['only blank lines', '\n \n\r\n', { model }, 422, 'empty_input', /no items/],
    ['what is not JSON', `${good}nonsense\n`, { model }, 422, 'invalid_input', /line 2: is not JSON/],
    [
      'a wrong field',
      `${good}{"promt":"x"}\n`,
      { model },
      422,
      'invalid_input',
      /line 2: promt: unknown field \(did you mean "prompt"\?\)/,
    ],
    [
      'a key that is there twice',
      `${good}{"prompt":"a","prompt":"b"}\n`,
      { model },
      422,
      'invalid_input',
      /line 2: prompt: is there twice/,
    ],
    [
      'a key that is there twice in the spec',
      good,
      { spec: `{"model":"${model}","tags":{"team":"a","team":"b"}}` },
      400,
      'invalid_request',
      /"spec" is not valid: tags\.team: is there twice/,
    ],
    ['a wrong type', `{"prompt":5}\n`, { model }, 422, 'invalid_input', /line 1: prompt: expected/],
    ['a missing field', `{"custom_id":"x"}\n`, { model }, 422, 'invalid_input', /line 1: has no request/],
    [
      'a duplicate',
      `{"custom_id":"x","prompt":"1"}\n${good}{"custom_id":"x","prompt":"2"}\n`,
      { model },
      422,
      'invalid_input',
      /line 3: custom_id: "x" is the custom_id of item 1 already/,
    ],
    [
      'mixed formats',
      `${good}{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"gpt-5-mini","input":"x"}}\n`,
      { model },
      422,
      'invalid_input',
      /line 2: is a line in OpenAI's format/,
    ],
    [
      'a file that is cut',
      `${good}{"prompt":"I was go`,
      { model },
      422,
      'invalid_input',
      /line 2: the file ends in the middle of this line/,
    ],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from(good), Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a])]),
      { model },
      422,
      'invalid_input',
      /line 2: is not valid UTF-8/,
    ],
    [
      'a NUL in a custom_id',
      '{"custom_id":"a\\u0000b","prompt":"x"}\n',
      { model },
      422,
      'invalid_input',
      /line 1: custom_id: has a character/,
    ],
    [
      'a line over the limit',
      `${good}{"prompt":"${'x'.repeat(3000)}"}\n`,
      { spec: JSON.stringify({ model, limits: { max_batch_bytes: 2000 } }) },
      422,
      'invalid_input',
      /line 2: is \d+ bytes as the provider's line, above its limit of 2000/,
    ],
    [
      'an unknown provider',
      good,
      { provider: 'opnai' },
      422,
      'unknown_provider',
      /no provider "opnai" \(did you mean "openai"\?\)/,
    ],
    [
      'an unknown model',
      good,
      { model: 'gpt-5-mni' },
      422,
      'unknown_model',
      /no model "gpt-5-mni" \(did you mean "gpt-5-mini"\?\)/,
    ],
    ['an unknown option', good, { modle: model }, 400, 'invalid_request', /modle: unknown key \(did you mean "model"\?\)/],
    [
      'an unknown option of the spec',
      good,
      { spec: '{"model":"gpt-5-mini","retry":{"max_round":2}}' },
      400,
      'invalid_request',
      /retry\.max_round: unknown key \(did you mean "max_rounds"\?\)/,
    ],
    ['a spec that is not JSON', good, { spec: '{' }, 400, 'invalid_json', /"spec" is not JSON/],
    ['no model', good, {}, 422, 'invalid_input', /line 1: model: no model/],
    [
      'a line that is nested too deeply',
      `{"prompt":"x","metadata":${'['.repeat(7000)}${']'.repeat(7000)}}\n`,
      { model },
      422,
      'invalid_input',
      /^line 1: is nested too deeply/,
    ],
    [
      'a prompt for the embeddings endpoint, with a model that makes none',
      good,
      { model, endpoint: '/v1/embeddings' },
      422,
      'invalid_input',
      /line 1: has a prompt, .*\/v1\/embeddings asks for embeddings, and gpt-5-mini makes none/,
    ],
    [
      'a prompt for a model of embeddings',
      good,
      { model: 'text-embedding-3-small', endpoint: '/v1/embeddings' },
      422,
      'invalid_input',
      /line 1: has a prompt, .* give `input` instead/,
    ],
    [
      'a NUL in the spec',
      good,
      { spec: JSON.stringify({ model, name: 'a\0b' }) },
      422,
      'invalid_input',
      /name: has a character that can not be stored/,
    ],
    [
      'half a surrogate pair in a tag',
      good,
      { spec: `{"model":"${model}","tags":{"team":"\\ud800"}}` },
      422,
      'invalid_input',
      /tags\.team: has a character/,
    ],
    ['a NUL in a query field', good, { model, name: 'a\0b' }, 400, 'invalid_request', /name: has a character/],
  ]

  test.each(cases)('%s', async (_name, body, query, status, code, says) => {
    const before = await api.stored()
    const response = await api.upload(body, query)
    const problem = await answerOf(response)
    expect(problem).toMatchObject({ status, code, detail: expect.stringMatching(says) })
    expect(response.status).toBe(status)
    expect(problem.detail).not.toContain('\n')
    expect(await api.stored()).toEqual(before)
  })

  test.each([
    ['an unknown type', '{"type":"objekt"}'],
    ['draft-04', '{"$schema":"http://json-schema.org/draft-04/schema#","type":"object"}'],
    ['a $ref that leads nowhere', '{"$ref":"#/$defs/none"}'],
    ['a bad pattern', '{"type":"string","pattern":"("}'],
    ['a minimum that is a text', '{"minimum":"3"}'],
    ['a schema with the $id of its dialect', '{"$id":"https://json-schema.org/draft/2020-12/schema"}'],
  ])('a JSON Schema with %s, of the job and of a line', async (_name, schema) => {
    const before = await api.stored()
    // Twice: what is wrong once must not be taken for known the next time.
    for (let time = 0; time < 2; time++) {
      expect(await answerOf(api.upload(good, { spec: `{"model":"${model}","schema":${schema}}` }))).toMatchObject({
        status: 422,
        code: 'invalid_schema',
        errors: [{ field: 'schema', reason: expect.stringContaining('is not a usable JSON Schema') }],
      })
      expect(await answerOf(api.upload(`${good}{"prompt":"x","schema":${schema}}\n`))).toMatchObject({
        status: 422,
        code: 'invalid_input',
        errors: [{ line: 2, field: 'schema', reason: expect.stringContaining('is not a usable JSON Schema') }],
      })
    }
    expect(await api.stored()).toEqual(before)
  })

  test('a corrected schema with the $id of a wrong one is taken', async () => {
    const withType = (type: string) => ({ spec: JSON.stringify({ model, schema: { $id: 'https://example.com/answer', type } }) })
    expect((await api.upload(good, withType('objekt'))).status).toBe(422)
    expect((await api.upload(good, withType('object'))).status).toBe(201)
  })

  test('items and a schema of a JSON body that are nested too deeply', async () => {
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
    const send = async (body: string) =>
      await answerOf(api.request('/v1/jobs', { method: 'POST', body, headers: { 'content-type': 'application/json' } }))
    expect(await send(`{"model":"${model}","items":[{"prompt":"x"},{"prompt":"x","metadata":${deep}}]}`)).toMatchObject({
      code: 'invalid_input',
      errors: [{ line: 2, reason: expect.stringContaining('is nested too deeply') }],
    })
    expect(await send(`{"model":"${model}","schema":${deep},"items":[{"prompt":"x"}]}`)).toMatchObject({ code: 'invalid_schema' })
  })

  test('a key that is there twice in a JSON body, or in the spec of a multipart one', async () => {
    const before = await api.stored()
    const json = `{"model":"${model}","items":[{"prompt":"a"},{"prompt":"a","prompt":"b"}]}`
    const headers = { 'content-type': 'application/json' }
    expect(await answerOf(api.request('/v1/jobs', { method: 'POST', body: json, headers }))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ field: 'items[1].prompt', reason: expect.stringContaining('is there twice') }],
    })
    const form = new FormData()
    form.append('job', `{"model":"${model}","name":"a","name":"b"}`)
    form.append('file', new File([good], 'items.jsonl'))
    expect(await answerOf(api.request('/v1/jobs', { method: 'POST', body: form }))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ field: 'name', reason: expect.stringContaining('is there twice') }],
    })
    expect(await api.stored()).toEqual(before)
  })

  test('the first 100 errors are listed in order, with their number', async () => {
    const lines = Array.from({ length: 300 }, (_, index) =>
      index % 2 === 0 ? '{"prompt":1}' : `{"custom_id":"${index % 4}","prompt":"x"}`,
    )
    const problem = await answerOf(api.upload(lines.join('\n')))
    // 150 wrong types, and 150 lines that share two ids.
    expect(problem.error_count).toBe(298)
    expect(problem.errors).toHaveLength(100)
    const numbers = problem.errors.map(({ line }: { line: number }) => line)
    expect(numbers).toEqual([...numbers].sort((left, right) => left - right))
    expect(problem.errors[0]).toMatchObject({ line: 1, field: 'prompt' })
    expect(problem.errors.slice(0, 6).map(({ line, field }: { line: number; field: string }) => [line, field])).toEqual([
      [1, 'prompt'],
      [3, 'prompt'],
      [5, 'prompt'],
      [6, 'custom_id'],
      [7, 'prompt'],
      [8, 'custom_id'],
    ])
  })

  test('a duplicate in another chunk is found', async () => {
    const lines = Array.from(
      { length: 10_500 },
      (_, index) => `{"custom_id":"${index === 10_400 ? 3 : index}","prompt":"x"}`,
    ).join('\n')
    const { code, error_count: count, errors } = await answerOf(api.upload(lines))
    expect({ code, count }).toEqual({ code: 'invalid_input', count: 1 })
    // The second chunk is small, and may be stored before the first.
    expect([
      { line: 10_401, field: 'custom_id', reason: '"3" is the custom_id of item 4 already' },
      { line: 4, field: 'custom_id', reason: '"3" is the custom_id of item 10401 as well' },
    ]).toContainEqual(errors[0])
  })

  test('two chunks that hold the same ids in opposite order, stored at once, are told apart', async () => {
    const before = await api.stored()
    const line = (id: number) => `{"custom_id":"${id}","prompt":"x"}`
    const ids = Array.from({ length: 10_000 }, (_, index) => index)
    const problem = await answerOf(api.upload([...ids, ...ids.toReversed()].map(line).join('\n')))
    expect(problem).toMatchObject({ code: 'invalid_input', error_count: 10_000 })
    const pairs = problem.errors.map(({ line: number, reason }: { line: number; reason: string }) => {
      const [, id, other] = /^"(\d+)" is the custom_id of item (\d+) /.exec(reason) ?? []
      return { number, id: Number(id), other: Number(other) }
    })
    // Whichever chunk was faster: the id is on both lines.
    const linesOf = (id: number) => [id + 1, 20_000 - id]
    for (const { number, id, other } of pairs)
      expect([number, other].toSorted((left, right) => left - right)).toEqual(linesOf(id))
    expect(await api.stored()).toEqual(before)
  })

  test('CSV without a prompt, and with a prompt for columns that are not there', async () => {
    const csv = async (spec: object) => {
      const form = new FormData()
      form.append('job', JSON.stringify(spec))
      form.append('file', new File(['text\nx\n'], 'items.csv', { type: 'text/csv' }))
      return await answerOf(api.request('/v1/jobs', { method: 'POST', body: form }))
    }
    const before = await api.stored()
    expect(await csv({ model })).toMatchObject({ code: 'invalid_request', errors: [{ field: 'prompt' }] })
    expect(await csv({ model, prompt: '{{txet}}' })).toMatchObject({
      code: 'unknown_column',
      detail: expect.stringContaining('did you mean "text"'),
    })
    expect(await api.stored()).toEqual(before)
  })

  test('CSV that is not UTF-8 names the line', async () => {
    const response = await api.request(`/v1/jobs?${new URLSearchParams({ model, prompt: '{{text}}' }).toString()}`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: Buffer.from('text\nx\ncaf\xe9\n', 'latin1'),
    })
    expect(await answerOf(response)).toMatchObject({
      code: 'invalid_input',
      errors: [{ line: 3, reason: expect.stringContaining('UTF-8') }],
    })
  })

  test('more than max_input_bytes is refused, said ahead or not', async () => {
    const small = await createTestApi()
    try {
      Object.assign(small.config, { maxInputBytes: 100 })
      const body = jsonLines(...Array.from({ length: 20 }, () => ({ prompt: 'xxxxxxxxxxxxxxx' })))
      const response = await small.request('/v1/jobs?model=gpt-5-mini', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      })
      expect(response.status).toBe(413)
      expect(await answerOf(response)).toMatchObject({
        code: 'input_too_large',
        detail: expect.stringContaining('larger than 100 bytes'),
      })
      const declared = await small.request('/v1/jobs?model=gpt-5-mini', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'content-length': '99999999' },
        body: '{}',
      })
      expect(declared.status).toBe(413)
      const [row] = await small.test.database.sql`select count(*)::int as jobs from jobs`
      expect(row).toEqual({ jobs: 0 })
    } finally {
      await small.close()
    }
  })

  test.each([
    ['file before job', ['file', 'job'], /"file" came without "job" before it/],
    ['no file', ['job'], /no part "file"/],
    ['two files', ['job', 'file', 'file'], /another part "file"/],
  ])('multipart with %s', async (_name, parts, says) => {
    const form = new FormData()
    for (const part of parts) {
      if (part === 'job') form.append('job', JSON.stringify({ model }))
      else form.append('file', new File([good], 'items.jsonl'))
    }
    const before = await api.stored()
    expect(await answerOf(api.request('/v1/jobs', { method: 'POST', body: form }))).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringMatching(says),
    })
    expect(await api.stored()).toEqual(before)
  })

  test('a multipart body that is cut', async () => {
    const body = `--b\r\ncontent-disposition: form-data; name="job"\r\n\r\n{"model":"${model}"}\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n${good}${good}`
    const before = await api.stored()
    const response = await api.request('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body,
    })
    expect(await answerOf(response)).toMatchObject({ status: 400, code: 'upload_broken' })
    expect(await api.stored()).toEqual(before)
  })

  test('another content type, and none', async () => {
    const send = async (type: string | null) =>
      await answerOf(
        api.request('/v1/jobs', {
          method: 'POST',
          body: new Blob([good]),
          headers: type === null ? {} : { 'content-type': type },
        }),
      )
    expect(await send('text/html')).toMatchObject({ status: 415, code: 'unsupported_media_type' })
    expect(await send(null)).toMatchObject({ status: 415 })
  })

  test('a compressed body', async () => {
    const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' }
    const answer = await answerOf(api.request('/v1/jobs', { method: 'POST', body: new Blob([good]), headers }))
    expect(answer).toMatchObject({ status: 415, code: 'unsupported_media_type', detail: expect.stringContaining('uncompressed') })
  })

  test('JSON that is none, without items, or with a wrong item', async () => {
    const send = async (body: string) =>
      await answerOf(api.request('/v1/jobs', { method: 'POST', body, headers: { 'content-type': 'application/json' } }))
    expect(await send('{')).toMatchObject({ status: 400, code: 'invalid_json' })
    expect(await send('{"model":"gpt-5-mini"}')).toMatchObject({ status: 400, errors: [{ field: 'items' }] })
    expect(await send('{"model":"gpt-5-mini","items":[]}')).toMatchObject({ code: 'empty_input' })
    expect(await send('{"model":"gpt-5-mini","items":["x"]}')).toMatchObject({ code: 'invalid_input', errors: [{ line: 1 }] })
    expect(await send('{"modle":"gpt-5-mini","items":[]}')).toMatchObject({
      code: 'invalid_request',
      errors: [{ field: 'modle', reason: expect.stringContaining('"model"') }],
    })
  })

  test('a provider that nobody has a key for', async () => {
    const poor = await createTestApi({ environment: { OPENAI_API_KEY: '' } })
    try {
      expect(await answerOf(poor.post('/v1/jobs', { provider: 'openai', model, items: [{ prompt: 'x' }] }))).toMatchObject({
        status: 422,
        code: 'provider_unconfigured',
        detail: expect.stringContaining('OPENAI_API_KEY'),
      })
    } finally {
      await poor.close()
    }
  })
})
