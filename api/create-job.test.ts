import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, createTestApi, type TestApi } from '../test/api.ts'
import { until } from '../test/services.ts'
import { jobSchema } from './contracts/jobs.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi({ environment: {} })
})
afterAll(() => api.close())

const model = 'gpt-5-mini'

async function upload(lines: string | Uint8Array | ReadableStream, query: Record<string, string> = { model }, headers: Record<string, string> = {}) {
  return await api.request(`/v1/jobs?${new URLSearchParams(query).toString()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body: lines as NonNullable<RequestInit['body']>,
    ...(lines instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
}

async function stored() {
  const [row] = await api.test.database.sql<{ jobs: number; items: number }[]>`
    select (select count(*)::int from jobs) as jobs, (select count(*)::int from items) as items`
  return row
}

const jsonLines = (...lines: unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

describe('the three forms', () => {
  test('JSON with items', async () => {
    const response = await api.post('/v1/jobs', { name: 'mails', model, tags: { team: 'a' }, priority: 'high', items: [{ prompt: 'Hi' }, { custom_id: 'b', prompt: 'Ho', metadata: { row: 7 } }] })
    expect(response.status).toBe(201)
    const job = jobSchema.parse(await answerOf(response))
    expect(job).toMatchObject({
      name: 'mails',
      status: 'queued',
      provider: 'openai',
      model,
      endpoint: '/v1/chat/completions',
      priority: 'high',
      tags: { team: 'a' },
      counts: { total: 2, pending: 2 },
    })
    expect(response.headers.get('location')).toBe(`/v1/jobs/${job.id}`)
    const items = await answerOf(api.request(`/v1/jobs/${job.id}/items`))
    expect(items.data).toMatchObject([
      { seq: 1, custom_id: '1', status: 'pending', attempts: 0 },
      { seq: 2, custom_id: 'b' },
    ])
    const rows = await api.test.database.sql`select line, metadata from items where job_id = ${job.id} order by seq`
    expect(rows).toMatchObject([{ line: '{"prompt":"Hi"}', metadata: null }, { metadata: '{"row":7}' }])
  })

  test('JSON lines with the fields of the spec in the query, stored byte for byte', async () => {
    const lines = ['{"custom_id":"a",  "prompt":"tab\\tand \\u00e9 \\"quoted\\" \\\\ back"}', '', '  {"prompt":"é日本🙂"}']
    const response = await upload(`\uFEFF${lines.join('\r\n')}`, { model, name: 'lines', max_tokens: '40', temperature: '0', tag: 'a=b=c' })
    expect(response.status).toBe(201)
    const job = await answerOf(response)
    expect(job).toMatchObject({ name: 'lines', tags: { a: 'b=c' }, spec: { max_tokens: 40, temperature: 0 } })
    const rows = await api.test.database.sql`select custom_id, line from items where job_id = ${job.id} order by seq`
    // Blank lines are skipped but counted.
    expect(rows).toEqual([
      { custom_id: 'a', line: lines[0] },
      { custom_id: '3', line: lines[2] },
    ])
  })

  test('multipart with the spec before the file', async () => {
    const form = new FormData()
    form.append('job', JSON.stringify({ model, name: 'multipart' }))
    form.append('file', new File([jsonLines({ prompt: 'a' }, { prompt: 'b' })], 'items.jsonl'))
    const response = await api.request('/v1/jobs', { method: 'POST', body: form })
    expect(await answerOf(response)).toMatchObject({ name: 'multipart', counts: { total: 2 } })
    expect(response.status).toBe(201)
  })

  test('CSV with a prompt; other columns are metadata', async () => {
    const form = new FormData()
    form.append('job', JSON.stringify({ model, prompt: 'Label this: {{text}}' }))
    form.append('file', new File(['custom_id,text,city\nx1,"good, ""really""",Köln\nx2,bad,Rome\n'], 'items.csv'))
    const response = await api.request('/v1/jobs', { method: 'POST', body: form })
    expect(response.status).toBe(201)
    const rows = await api.test.database.sql`select custom_id, line, metadata from items where job_id = ${(await answerOf(response)).id} order by seq`
    expect(rows).toMatchObject([{ custom_id: 'x1', metadata: '{"city":"Köln"}' }, { custom_id: 'x2' }])
    expect(JSON.parse(rows[0]?.['line'])).toMatchObject({ prompt: 'Label this: good, "really"' })
  })

  test('native lines name their own models; the job is then mixed', async () => {
    const line = (name: string) => ({ custom_id: name, method: 'POST', url: '/v1/chat/completions', body: { model: name, messages: [{ role: 'user', content: 'x' }] } })
    const response = await upload(jsonLines(line('gpt-5-mini'), line('gpt-4o-mini')), {})
    const job = await answerOf(response)
    expect(job).toMatchObject({ model: null, counts: { total: 2 } })
    const [row] = await api.test.database.sql`select mixed from jobs where id = ${job.id}`
    expect(row).toEqual({ mixed: true })
    expect(await api.test.database.sql`select model, endpoint from items where job_id = ${job.id} order by seq`).toEqual([
      { model: 'gpt-5-mini', endpoint: '/v1/chat/completions' },
      { model: 'gpt-4o-mini', endpoint: '/v1/chat/completions' },
    ])
  })

  test('more items than one chunk holds', async () => {
    let number = 0
    const body = new ReadableStream({
      pull(controller) {
        if (number >= 12_000) return controller.close()
        let lines = ''
        for (const end = number + 500; number < end; number++) lines += `{"custom_id":"n${number}","prompt":"p"}\n`
        controller.enqueue(new TextEncoder().encode(lines))
      },
    })
    const response = await upload(body)
    const job = await answerOf(response)
    expect(job.counts.total).toBe(12_000)
    const [row] = await api.test.database.sql`select count(*)::int as n, max(seq) as last, max(custom_id) filter (where seq = 11000) as id from items where job_id = ${job.id}`
    expect(row).toEqual({ n: 12_000, last: 12_000, id: 'n10999' })
  })
})

describe('bad input stores nothing and says what is wrong', () => {
  const good = '{"prompt":"ok"}\n'
  const cases: Array<[name: string, body: string | Uint8Array, query: Record<string, string>, status: number, code: string, says: RegExp]> = [
    ['an empty file', '', { model }, 422, 'empty_input', /no items/],
    ['only blank lines', '\n \n\r\n', { model }, 422, 'empty_input', /no items/],
    ['what is not JSON', `${good}nonsense\n`, { model }, 422, 'invalid_input', /line 2: is not JSON/],
    ['a wrong field', `${good}{"promt":"x"}\n`, { model }, 422, 'invalid_input', /line 2: promt: unknown field \(did you mean "prompt"\?\)/],
    ['a wrong type', `{"prompt":5}\n`, { model }, 422, 'invalid_input', /line 1: prompt: expected/],
    ['a missing field', `{"custom_id":"x"}\n`, { model }, 422, 'invalid_input', /line 1: has no request/],
    ['a duplicate', `{"custom_id":"x","prompt":"1"}\n${good}{"custom_id":"x","prompt":"2"}\n`, { model }, 422, 'invalid_input', /line 3: custom_id: "x" is the custom_id of item 1 already/],
    ['mixed formats', `${good}{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"gpt-5-mini","input":"x"}}\n`, { model }, 422, 'invalid_input', /line 2: is a line in OpenAI's format/],
    ['a file that is cut', `${good}{"prompt":"I was go`, { model }, 422, 'invalid_input', /line 2: the file ends in the middle of this line/],
    ['invalid UTF-8', Buffer.concat([Buffer.from(good), Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a])]), { model }, 422, 'invalid_input', /line 2: is not valid UTF-8/],
    ['a NUL in a custom_id', '{"custom_id":"a\\u0000b","prompt":"x"}\n', { model }, 422, 'invalid_input', /line 1: custom_id: has a character/],
    ['a line over the limit', `${good}{"prompt":"${'x'.repeat(3000)}"}\n`, { spec: JSON.stringify({ model, limits: { max_batch_bytes: 2000 } }) }, 422, 'invalid_input', /line 2: is \d+ bytes as the provider's line, above its limit of 2000/],
    ['an unknown provider', good, { provider: 'opnai' }, 422, 'unknown_provider', /no provider "opnai" \(did you mean "openai"\?\)/],
    ['a provider of later', good, { provider: 'gemini' }, 422, 'unknown_provider', /gemini is not in this version/],
    ['an unknown model', good, { model: 'gpt-5-mni' }, 422, 'unknown_model', /no model "gpt-5-mni" \(did you mean "gpt-5-mini"\?\)/],
    ['an unknown option', good, { modle: model }, 400, 'invalid_request', /modle: unknown key \(did you mean "model"\?\)/],
    ['an unknown option of the spec', good, { spec: '{"model":"gpt-5-mini","retry":{"max_round":2}}' }, 400, 'invalid_request', /retry\.max_round: unknown key \(did you mean "max_rounds"\?\)/],
    ['a spec that is not JSON', good, { spec: '{' }, 400, 'invalid_json', /"spec" is not JSON/],
    ['no model', good, {}, 422, 'invalid_input', /line 1: model: no model/],
  ]

  test.each(cases)('%s', async (_name, body, query, status, code, says) => {
    const before = await stored()
    const response = await upload(body, query)
    const problem = await answerOf(response)
    expect(problem).toMatchObject({ status, code, detail: expect.stringMatching(says) })
    expect(response.status).toBe(status)
    expect(problem.detail).not.toContain('\n')
    expect(await stored()).toEqual(before)
  })

  test('the first 100 errors are listed in order, with their number', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? '{"prompt":1}' : `{"custom_id":"${index % 4}","prompt":"x"}`))
    const problem = await answerOf(upload(lines.join('\n')))
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
    const lines = Array.from({ length: 10_500 }, (_, index) => `{"custom_id":"${index === 10_400 ? 3 : index}","prompt":"x"}`).join('\n')
    expect(await answerOf(upload(lines))).toMatchObject({ code: 'invalid_input', error_count: 1, errors: [{ line: 10_401, field: 'custom_id', reason: '"3" is the custom_id of item 4 already' }] })
  })

  test('CSV without a prompt, and with a prompt for columns that are not there', async () => {
    const csv = async (spec: object) => {
      const form = new FormData()
      form.append('job', JSON.stringify(spec))
      form.append('file', new File(['text\nx\n'], 'items.csv', { type: 'text/csv' }))
      return await answerOf(api.request('/v1/jobs', { method: 'POST', body: form }))
    }
    const before = await stored()
    expect(await csv({ model })).toMatchObject({ code: 'invalid_request', errors: [{ field: 'prompt' }] })
    expect(await csv({ model, prompt: '{{txet}}' })).toMatchObject({ code: 'unknown_column', detail: expect.stringContaining('did you mean "text"') })
    expect(await stored()).toEqual(before)
  })

  test('CSV that is not UTF-8 names the line', async () => {
    const response = await api.request(`/v1/jobs?${new URLSearchParams({ model, prompt: '{{text}}' }).toString()}`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: Buffer.from('text\nx\ncaf\xe9\n', 'latin1'),
    })
    expect(await answerOf(response)).toMatchObject({ code: 'invalid_input', errors: [{ line: 3, reason: expect.stringContaining('UTF-8') }] })
  })

  test('more than max_input_bytes is refused, said ahead or not', async () => {
    const small = await createTestApi()
    try {
      Object.assign(small.config, { maxInputBytes: 100 })
      const body = jsonLines(...Array.from({ length: 20 }, () => ({ prompt: 'xxxxxxxxxxxxxxx' })))
      const response = await small.request('/v1/jobs?model=gpt-5-mini', { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body })
      expect(response.status).toBe(413)
      expect(await answerOf(response)).toMatchObject({ code: 'input_too_large', detail: expect.stringContaining('larger than 100 bytes') })
      const declared = await small.request('/v1/jobs?model=gpt-5-mini', { method: 'POST', headers: { 'content-type': 'application/x-ndjson', 'content-length': '99999999' }, body: '{}' })
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
    const before = await stored()
    expect(await answerOf(api.request('/v1/jobs', { method: 'POST', body: form }))).toMatchObject({ code: 'invalid_request', detail: expect.stringMatching(says) })
    expect(await stored()).toEqual(before)
  })

  test('a multipart body that is cut', async () => {
    const body = `--b\r\ncontent-disposition: form-data; name="job"\r\n\r\n{"model":"${model}"}\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n${good}${good}`
    const before = await stored()
    const response = await api.request('/v1/jobs', { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=b' }, body })
    expect(await answerOf(response)).toMatchObject({ status: 400, code: 'upload_broken' })
    expect(await stored()).toEqual(before)
  })

  test('another content type, and none', async () => {
    const send = async (type: string | null) => await answerOf(api.request('/v1/jobs', { method: 'POST', body: new Blob([good]), headers: type === null ? {} : { 'content-type': type } }))
    expect(await send('text/html')).toMatchObject({ status: 415, code: 'unsupported_media_type' })
    expect(await send(null)).toMatchObject({ status: 415 })
  })

  test('JSON that is none, without items, or with a wrong item', async () => {
    const send = async (body: string) => await answerOf(api.request('/v1/jobs', { method: 'POST', body, headers: { 'content-type': 'application/json' } }))
    expect(await send('{')).toMatchObject({ status: 400, code: 'invalid_json' })
    expect(await send('{"model":"gpt-5-mini"}')).toMatchObject({ status: 400, errors: [{ field: 'items' }] })
    expect(await send('{"model":"gpt-5-mini","items":[]}')).toMatchObject({ code: 'empty_input' })
    expect(await send('{"model":"gpt-5-mini","items":["x"]}')).toMatchObject({ code: 'invalid_input', errors: [{ line: 1 }] })
    expect(await send('{"modle":"gpt-5-mini","items":[]}')).toMatchObject({ code: 'invalid_request', errors: [{ field: 'modle', reason: expect.stringContaining('"model"') }] })
  })

  test('a provider that nobody has a key for', async () => {
    const poor = await createTestApi({ environment: { OPENAI_API_KEY: '' } })
    try {
      expect(await answerOf(poor.post('/v1/jobs', { model, items: [{ prompt: 'x' }] }))).toMatchObject({ status: 422, code: 'provider_unconfigured', detail: expect.stringContaining('OPENAI_API_KEY') })
    } finally {
      await poor.close()
    }
  })
})

describe('idempotency', () => {
  const body = jsonLines({ prompt: 'once' })

  test('the same key and content give the same job; other content is refused', async () => {
    const headers = { 'idempotency-key': 'same' }
    const first = await upload(body, { model, name: 'n' }, headers)
    const again = await upload(body, { name: 'n', model }, headers)
    expect([first.status, again.status]).toEqual([201, 200])
    const { id } = await answerOf(first)
    expect((await answerOf(again)).id).toBe(id)
    const other = await upload(jsonLines({ prompt: 'twice' }), { model, name: 'n' }, headers)
    expect(await answerOf(other)).toMatchObject({ status: 422, code: 'idempotency_key_reused', job_id: id })
    const otherSpec = await upload(body, { model, name: 'm' }, headers)
    expect(otherSpec.status).toBe(422)
  })

  test('a failed upload frees its key', async () => {
    const headers = { 'idempotency-key': 'freed' }
    expect((await upload('nonsense', { model }, headers)).status).toBe(422)
    expect((await upload(body, { model }, headers)).status).toBe(201)
  })

  test('a second upload with the key of one that is under way is refused, and may come again', async () => {
    const headers = { 'idempotency-key': 'busy' }
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const slow = upload(readable, { model }, headers)
    await writer.write(new TextEncoder().encode(body))
    await until('the first upload to have its row', async () => (await api.test.database.sql`select 1 from jobs where idempotency_key = 'busy'`).length > 0)
    const second = await upload(body, { model }, headers)
    const refused = await answerOf(second)
    expect(refused).toMatchObject({ status: 409, code: 'upload_in_progress' })
    // What is under way can be seen, and not cancelled.
    expect(await answerOf(api.request(`/v1/jobs/${refused.job_id}`))).toMatchObject({ status: 'validating' })
    expect(await answerOf(api.post(`/v1/jobs/${refused.job_id}/cancel`))).toMatchObject({ status: 409, code: 'upload_in_progress' })
    await writer.close()
    const first = await slow
    expect(first.status).toBe(201)
    expect((await upload(body, { model }, headers)).status).toBe(200)
  })

  test('twenty at once make one job', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => upload(body, { model }, { 'idempotency-key': 'crowd' })))
    const ids = new Set<string>()
    for (const response of responses) {
      const answer = await answerOf(response)
      if (response.ok) ids.add(answer.id)
      else expect(answer.code).toBe('upload_in_progress')
    }
    expect(ids.size).toBe(1)
    expect(await api.test.database.sql`select count(*)::int as n from jobs where idempotency_key = 'crowd'`).toEqual([{ n: 1 }])
  })

  test('a client that goes away leaves nothing', async () => {
    const before = await stored()
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body))
        controller.error(new Error('connection reset'))
      },
    })
    expect(await answerOf(upload(broken, { model }, { 'idempotency-key': 'gone' }))).toMatchObject({ code: 'upload_broken' })
    expect(await stored()).toEqual(before)
  })
})
