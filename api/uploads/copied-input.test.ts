import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, createTestApi, jsonLines, testModel as model, type TestApi } from '../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

const post = (body: object, key?: string) =>
  api.request('/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  })
const itemsOf = async (jobId: string) => [
  ...(await api.test.database.sql`select seq, custom_id, line, metadata from items where job_id = ${jobId} order by seq`),
]

async function original() {
  return await answerOf(
    api.upload(
      `${jsonLines({ prompt: 'no id' })}\n${jsonLines({ custom_id: 'b', prompt: 'é', metadata: { row: 2 } }, { prompt: 'c' })}`,
      {
        model,
        system: 'Be brief.',
        max_tokens: '50',
        name: 'first',
      },
    ),
  )
}

test('takes all items with the ids that they had, and what the job asked; where it goes is the new job’s own', async () => {
  const first = await original()
  const copy = await answerOf(post({ from: first.id, model: 'gpt-5-mini', max_tokens: 70 }))
  expect(copy).toMatchObject({
    name: null,
    model: 'gpt-5-mini',
    counts: { total: 3 },
    spec: { system: 'Be brief.', max_tokens: 70 },
  })
  expect(await itemsOf(copy.id)).toEqual([
    // The blank line counts: this was line 1, and the last one line 4.
    { seq: 1, custom_id: '1', line: '{"custom_id":"1","prompt":"no id"}', metadata: null },
    { seq: 2, custom_id: 'b', line: '{"custom_id":"b","prompt":"é","metadata":{"row":2}}', metadata: '{"row":2}' },
    { seq: 3, custom_id: '4', line: '{"custom_id":"4","prompt":"c"}', metadata: null },
  ])
})

test('the same key and job give the same copy, another job is refused; limit counts here, too', async () => {
  const first = await original()
  const copy = await answerOf(post({ from: first.id, model, limit: 2 }, 'copy'))
  expect(copy.counts.total).toBe(2)
  const again = await post({ from: first.id, model, limit: 2 }, 'copy')
  expect(again.status).toBe(200)
  expect((await answerOf(again)).id).toBe(copy.id)
  expect((await post({ from: (await original()).id, model, limit: 2 }, 'copy')).status).toBe(422)
})

test('items that the other model can not take refuse the copy, with the item that it is', async () => {
  const first = await original()
  const response = await post({ from: first.id, model: 'gpt-none' })
  expect(response.status).toBe(422)
  const nowhere = await post({ from: 'zzzzzzzzzzzz', model })
  expect(nowhere.status).toBe(404)
  expect((await post({ from: first.id, model, items: [] })).status).toBe(400)
})

test('what did not succeed comes back as input', async () => {
  const first = await original()
  await api.test.database.sql`
    insert into outcomes (job_id, seq, status, attempts) values
      (${first.id}, 1, 'failed', 1), (${first.id}, 2, 'succeeded', 1), (${first.id}, 3, 'expired', 1)`
  const response = await api.request(`/v1/jobs/${first.id}/results?failed_as_input=true`)
  expect(response.headers.get('content-type')).toContain('application/x-ndjson')
  const text = await response.text()
  expect(text).toBe('{"custom_id":"1","prompt":"no id"}\n{"custom_id":"4","prompt":"c"}\n')
  expect(
    (await api.request(`/v1/jobs/${first.id}/results?failed_as_input=true&after_seq=1`).then((answer) => answer.text())).split(
      '\n',
    ),
  ).toHaveLength(2)
  expect((await api.request(`/v1/jobs/${first.id}/results?failed_as_input=true&raw=true`)).status).toBe(400)
  // As it is, it makes a job.
  expect((await answerOf(api.upload(text, { model }))).counts.total).toBe(2)
})
