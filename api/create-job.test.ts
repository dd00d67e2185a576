import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, createTestApi, jsonLines, testModel as model, type TestApi } from '../test/api.ts'
import { jobSchema } from './contracts/jobs.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

describe('the three forms', () => {
  test('JSON with items', async () => {
    const response = await api.post('/v1/jobs', {
      name: 'mails',
      model,
      tags: { team: 'a' },
      priority: 'high',
      items: [{ prompt: 'Hi' }, { custom_id: 'b', prompt: 'Ho', metadata: { row: 7 } }],
    })
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
    const response = await api.upload(`\uFEFF${lines.join('\r\n')}`, {
      model,
      name: 'lines',
      max_tokens: '40',
      temperature: '0',
      tag: 'a=b=c',
    })
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
    const rows = await api.test.database
      .sql`select custom_id, line, metadata from items where job_id = ${(await answerOf(response)).id} order by seq`
    expect(rows).toMatchObject([{ custom_id: 'x1', metadata: '{"city":"Köln"}' }, { custom_id: 'x2' }])
    expect(JSON.parse(rows[0]?.['line'])).toMatchObject({ prompt: 'Label this: good, "really"' })
  })

  test('native lines name their own models; the job is then mixed', async () => {
    const line = (name: string) => ({
      custom_id: name,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: name, messages: [{ role: 'user', content: 'x' }] },
    })
    const response = await api.upload(jsonLines(line('gpt-5-mini'), line('gpt-4o-mini')), {})
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
    const response = await api.upload(body)
    const job = await answerOf(response)
    expect(job.counts.total).toBe(12_000)
    const [row] = await api.test.database
      .sql`select count(*)::int as n, max(seq) as last, max(custom_id) filter (where seq = 11000) as id from items where job_id = ${job.id}`
    expect(row).toEqual({ n: 12_000, last: 12_000, id: 'n10999' })
  })
})
