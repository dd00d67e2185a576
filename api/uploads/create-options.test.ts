import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, createTestApi, jsonLines, testModel as model, type TestApi } from '../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

const prompts = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ custom_id: `p${index}`, prompt: `Number ${index}` }))

async function customIds(jobId: string): Promise<Array<{ seq: number; custom_id: string }>> {
  const rows = await api.test.database.sql<Array<{ seq: number; custom_id: string }>>`
    select seq, custom_id from items where job_id = ${jobId} order by seq`
  return [...rows]
}

test('the first request of a dry run has its numbers as they are sent', async () => {
  const body = '{"messages":[{"role":"user","content":"Hi"}],"seed":12345678901234567891}'
  const response = await api.upload(`{"url":"/v1/chat/completions","body":${body}}`, { model, dry_run: 'true' })
  expect(await response.text()).toContain('"seed":12345678901234567891')
})

describe('limit', () => {
  test('takes the first items only, and looks at nothing after them', async () => {
    const job = await answerOf(api.upload(`${jsonLines(...prompts(5))}not JSON\n`, { model, limit: '3' }))
    expect(job).toMatchObject({ counts: { total: 3 }, rejected_lines: 0, spec: { limit: 3 } })
    expect(await customIds(job.id)).toEqual([1, 2, 3].map((seq) => ({ seq, custom_id: `p${seq - 1}` })))
  })
})

describe('skip_invalid', () => {
  const lines = [
    '{"custom_id":"a","prompt":"A"}',
    '{"custom_id":"b","prompt":5}',
    'not JSON',
    '{"custom_id":"a","prompt":"again"}',
    '{"custom_id":"e","prompt":"E"}',
  ]

  test('leaves out what can not be taken, numbers the rest without a gap, and keeps each line with its reason', async () => {
    const job = await answerOf(api.upload(lines.join('\n'), { model, skip_invalid: 'true' }))
    expect(job).toMatchObject({ counts: { total: 2 }, rejected_lines: 3 })
    expect(await customIds(job.id)).toEqual([
      { seq: 1, custom_id: 'a' },
      { seq: 2, custom_id: 'e' },
    ])
    const first = await answerOf(api.request(`/v1/jobs/${job.id}/rejects?limit=2`))
    expect(first.data).toEqual([
      { line: 2, field: 'prompt', reason: expect.any(String), text: lines[1] },
      { line: 3, field: null, reason: expect.stringContaining('JSON'), text: 'not JSON' },
    ])
    const rest = await answerOf(api.request(`/v1/jobs/${job.id}/rejects?cursor=${first.next_cursor}`))
    expect(rest).toEqual({
      data: [{ line: 4, field: 'custom_id', reason: '"a" is the custom_id of item 1 already', text: lines[3] }],
      next_cursor: null,
    })
  })

  test('also over many chunks: duplicates of other chunks, and no number is missing or given twice', async () => {
    const count = 25_000
    const upload = Array.from({ length: count }, (_, index) => {
      // Every hundredth line repeats an id, mostly of an earlier chunk; every thousandth is broken.
      if (index % 1000 === 7) return '{"prompt":'
      return JSON.stringify({ custom_id: `n${index % 100 === 50 ? index - 50 : index}`, prompt: 'x' })
    })
    const job = await answerOf(api.upload(upload.join('\n'), { model, skip_invalid: 'true' }))
    expect(job).toMatchObject({ counts: { total: count - 275 }, rejected_lines: 275 })
    const [row] = await api.test.database.sql`
      select count(*)::int as n, count(distinct seq)::int as numbers, min(seq) as first, max(seq) as last from items where job_id = ${job.id}`
    expect(row).toEqual({ n: count - 275, numbers: count - 275, first: 1, last: count - 275 })
    const [kept] = await api.test.database.sql`select count(*)::int as n from rejects where job_id = ${job.id}`
    expect(kept).toEqual({ n: 275 })
  })

  test('when nothing is left the job is refused, and nothing is kept', async () => {
    const response = await api.upload('{"prompt":5}\n', { model, skip_invalid: 'true' })
    expect(response.status).toBe(422)
    expect(await answerOf(response)).toMatchObject({ code: 'invalid_input' })
    const [row] = await api.test.database
      .sql`select count(*)::int as n from rejects r where not exists (select from jobs j where j.id = r.job_id)`
    expect(row).toEqual({ n: 0 })
  })

  test('without it, one bad line refuses all of them', async () => {
    expect((await api.upload(lines.join('\n'), { model })).status).toBe(422)
  })
})

test('a NUL anywhere in a bad line, and duplicates at the limit', async () => {
  const broken = await answerOf(
    api.upload('{"prompt":"a"}\n\u0000\u0000\n{"a\u0000":1,"prompt":"b"}\n', { model, skip_invalid: 'true' }),
  )
  expect(broken).toMatchObject({ counts: { total: 1 }, rejected_lines: 2 })
  const ids = ['a', 'a', 'b', 'c', 'd']
  const limited = await answerOf(
    api.upload(jsonLines(...ids.map((custom_id) => ({ custom_id, prompt: 'x' }))), { model, skip_invalid: 'true', limit: '3' }),
  )
  expect(limited).toMatchObject({ counts: { total: 3 }, rejected_lines: 1 })
  expect((await customIds(limited.id)).map(({ custom_id: id }) => id)).toEqual(['a', 'b', 'c'])
})

test('fields of the spec in the query of a body that has it are refused, as is a template where nothing is filled in', async () => {
  const post = (query: string, body: object) =>
    api.request(`/v1/jobs${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await post('?limit=1', { model, items: prompts(3) })).status).toBe(400)
  expect((await post('', { model, prompt: 'Label {{text}}', items: prompts(3) })).status).toBe(400)
  const { id } = await answerOf(post('', { model, items: prompts(3) }))
  expect((await post('', { model, from: id, prompt: 'Label {{text}}' })).status).toBe(400)
})

describe('dry_run', () => {
  test('says what the job would be, and leaves nothing of it', async () => {
    const before = await api.test.database
      .sql`select (select count(*) from jobs)::int as jobs, (select count(*) from items)::int as items`
    const response = await api.request('/v1/jobs?dry_run=true', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'dry' },
      body: JSON.stringify({
        name: 'dry',
        model,
        system: 'Be brief.',
        limits: { max_batch_requests: 4 },
        skip_invalid: true,
        items: [...prompts(9), { prompt: 5 }, { custom_id: 'p0', prompt: 'again' }],
      }),
    })
    expect(response.status).toBe(200)
    const plan = await answerOf(response)
    expect(plan).toMatchObject({
      provider: 'openai',
      model,
      items: 9,
      batches: 3,
      rejected_lines: 2,
      rejects: [
        { line: 10, field: 'prompt' },
        { line: 11, field: 'custom_id' },
      ],
      batch_list: [{ items: 4 }, { items: 4 }, { items: 1 }],
      first_request: {
        method: 'POST',
        url: '/v1/chat/completions',
        body: {
          model,
          messages: [
            { role: 'system', content: 'Be brief.' },
            { role: 'user', content: 'Number 0' },
          ],
        },
      },
    })
    expect(plan.batch_list.reduce((sum: number, { bytes }: { bytes: number }) => sum + bytes, 0)).toBe(plan.bytes)
    const after = await api.test.database
      .sql`select (select count(*) from jobs)::int as jobs, (select count(*) from items)::int as items`
    expect(after).toEqual(before)
    // Neither its key nor its name is taken.
    const real = await api.request('/v1/jobs?if_exists=error', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'dry' },
      body: JSON.stringify({ name: 'dry', model, items: prompts(1) }),
    })
    expect(real.status).toBe(201)
  })

  test('a bad line is an error as without it', async () => {
    const response = await api.upload('{"prompt":5}\n', { model, dry_run: 'true' })
    expect(response.status).toBe(422)
  })
})

describe('if_exists', () => {
  const named = (name: string, ifExists: string) => api.upload(jsonLines(...prompts(2)), { model, name, if_exists: ifExists })

  test('error refuses a second job of the name, attach gives the first, and a name is free after its job is deleted', async () => {
    const first = await answerOf(named('nightly', 'error'))
    const refused = await named('nightly', 'error')
    expect(refused.status).toBe(409)
    expect(await answerOf(refused)).toMatchObject({ code: 'job_exists', job_id: first.id })
    const attached = await named('nightly', 'attach')
    expect(attached.status).toBe(200)
    expect((await answerOf(attached)).id).toBe(first.id)
    await api.test.database.sql`update jobs set deleted_at = now() where id = ${first.id}`
    expect((await named('nightly', 'error')).status).toBe(201)
  })

  test('of many who ask at once one makes the job', async () => {
    const responses = await Promise.all(Array.from({ length: 6 }, () => named('raced', 'error')))
    expect(responses.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409])
    const [row] = await api.test.database.sql`select count(*)::int as n from jobs where name = 'raced'`
    expect(row).toEqual({ n: 1 })
  })

  test('needs a name', async () => {
    expect((await api.upload(jsonLines(...prompts(1)), { model, if_exists: 'error' })).status).toBe(400)
  })
})
