import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, createTestApi, jsonLines, testModel as model, type TestApi } from '../test/api.ts'
import { until } from '../test/services.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

describe('idempotency', () => {
  const body = jsonLines({ prompt: 'once' })

  test('the same key and content give the same job; other content is refused', async () => {
    const headers = { 'idempotency-key': 'same' }
    const first = await api.upload(body, { model, name: 'n' }, headers)
    const again = await api.upload(body, { name: 'n', model }, headers)
    expect([first.status, again.status]).toEqual([201, 200])
    const { id } = await answerOf(first)
    expect((await answerOf(again)).id).toBe(id)
    const other = await api.upload(jsonLines({ prompt: 'twice' }), { model, name: 'n' }, headers)
    expect(await answerOf(other)).toMatchObject({ status: 422, code: 'idempotency_key_reused', job_id: id })
    const otherSpec = await api.upload(body, { model, name: 'm' }, headers)
    expect(otherSpec.status).toBe(422)
  })

  test('a failed upload frees its key', async () => {
    const headers = { 'idempotency-key': 'freed' }
    expect((await api.upload('nonsense', { model }, headers)).status).toBe(422)
    expect((await api.upload(body, { model }, headers)).status).toBe(201)
  })

  test('a second upload with the key of one that is under way is refused, and may come again', async () => {
    const headers = { 'idempotency-key': 'busy' }
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const slow = api.upload(readable, { model }, headers)
    await writer.write(new TextEncoder().encode(body))
    await until(
      'the first upload to have its row',
      async () => (await api.test.database.sql`select 1 from jobs where idempotency_key = 'busy'`).length > 0,
    )
    const second = await api.upload(body, { model }, headers)
    const refused = await answerOf(second)
    expect(refused).toMatchObject({ status: 409, code: 'upload_in_progress' })
    // What is under way can be seen, and not cancelled.
    expect(await answerOf(api.request(`/v1/jobs/${refused.job_id}`))).toMatchObject({ status: 'validating' })
    expect(await answerOf(api.post(`/v1/jobs/${refused.job_id}/cancel`))).toMatchObject({
      status: 409,
      code: 'upload_in_progress',
    })
    await writer.close()
    const first = await slow
    expect(first.status).toBe(201)
    expect((await api.upload(body, { model }, headers)).status).toBe(200)
  })

  test('twenty at once make one job', async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => api.upload(body, { model }, { 'idempotency-key': 'crowd' })),
    )
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
    const before = await api.stored()
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body))
        controller.error(new Error('connection reset'))
      },
    })
    expect(await answerOf(api.upload(broken, { model }, { 'idempotency-key': 'gone' }))).toMatchObject({ code: 'upload_broken' })
    expect(await api.stored()).toEqual(before)
  })
})
