import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, createTestApi, jsonLines, testModel as model, type TestApi } from '../test/api.ts'
import { until } from '../test/services.ts'
import { receivedPartSchema } from './contracts/drafts.ts'
import { jobSchema } from './contracts/jobs.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

async function createDraft(spec: object = { model }, headers: Record<string, string> = {}): Promise<string> {
  const response = await api.post('/v1/jobs', { ...spec, draft: true }, headers)
  expect(response.status).toBe(201)
  return jobSchema.parse(await answerOf(response)).id
}

async function send(
  id: string,
  part: number | string,
  body: string | ReadableStream,
  type = 'application/x-ndjson',
): Promise<Response> {
  return await api.request(`/v1/jobs/${id}/items?part=${part}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
}

const start = async (id: string, body?: object) => await api.post(`/v1/jobs/${id}/start`, body)
const prompts = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ custom_id: `p${from + index}`, prompt: `Number ${from + index}` }))

async function itemsOf(id: string): Promise<Array<{ seq: number; custom_id: string; line: string }>> {
  return [
    ...(await api.test.database.sql<Array<{ seq: number; custom_id: string; line: string }>>`
      select seq, custom_id, line from items where job_id = ${id} order by seq`),
  ]
}

test('parts are items in the order of their numbers, and nothing is queued before the start', async () => {
  const id = await createDraft({ model, name: 'by parts' })
  expect(await answerOf(api.request(`/v1/jobs/${id}`))).toMatchObject({ status: 'validating', draft: { next_part: 1 } })
  const first = await api.post(`/v1/jobs/${id}/items?part=1`, { items: [{ prompt: 'one' }, { custom_id: 'b', prompt: 'two' }] })
  expect(first.status).toBe(200)
  expect(receivedPartSchema.parse(await answerOf(first))).toMatchObject({ part: 1, items: 2, rejected_lines: 0, next_part: 2 })
  const second = jsonLines({ prompt: 'three' })
  expect(await answerOf(send(id, 2, second))).toMatchObject({
    part: 2,
    items: 1,
    rejected_lines: 0,
    next_part: 3,
  })
  expect(await answerOf(api.request(`/v1/jobs/${id}`))).toMatchObject({
    status: 'validating',
    draft: { next_part: 3 },
    counts: { total: 3, pending: 3 },
  })
  const started = await start(id, { parts: 2 })
  expect(started.status).toBe(200)
  expect(jobSchema.parse(await answerOf(started))).toMatchObject({
    status: 'queued',
    draft: null,
    model,
    endpoint: '/v1/chat/completions',
    counts: { total: 3 },
  })
  // Lines are counted over the parts, so that the second one's first line is the third.
  expect(await itemsOf(id)).toMatchObject([
    { seq: 1, custom_id: '1', line: '{"prompt":"one"}' },
    { seq: 2, custom_id: 'b' },
    { seq: 3, custom_id: '3', line: '{"prompt":"three"}' },
  ])
  const { data: parts } = await answerOf(api.request(`/v1/jobs/${id}/parts`))
  expect(parts).toMatchObject([
    { part: 1, items: 2 },
    { part: 2, items: 1, sha256: createHash('sha256').update(second).digest('hex') },
  ])
  const events = await answerOf(api.request(`/v1/jobs/${id}/events`))
  expect(events.data[0]).toMatchObject({ type: 'queued', data: { items: 3 } })
})

describe('a part again', () => {
  test('with the same content is there already, however often; with other content it is refused', async () => {
    const id = await createDraft()
    const lines = jsonLines(...prompts(1, 3))
    const once = await answerOf(send(id, 1, lines))
    expect(await answerOf(send(id, 1, lines))).toEqual(once)
    await send(id, 2, jsonLines(...prompts(4, 1)))
    const late = await send(id, 1, lines)
    expect([late.status, await answerOf(late)]).toEqual([200, { ...once, next_part: 3 }])
    const other = await send(id, 1, jsonLines(...prompts(7, 3)))
    expect([other.status, (await answerOf(other)).code]).toEqual([409, 'part_differs'])
    expect((await itemsOf(id)).map(({ custom_id }) => custom_id)).toEqual(['p1', 'p2', 'p3', 'p4'])
  })

  test('while the first try still comes in: the later one stays, and the earlier one stores nothing more', async () => {
    const id = await createDraft()
    let more: ReadableStreamDefaultController<Uint8Array> | undefined
    const hanging = new ReadableStream<Uint8Array>({ start: (controller) => void (more = controller) })
    // More than a chunk, so that some of it is stored.
    more?.enqueue(Buffer.from(jsonLines(...prompts(100, 12_000))))
    const earlier = send(id, 1, hanging)
    await until('the first items', async () => (await itemsOf(id)).length > 0)
    // Nobody sees what may go again.
    expect((await answerOf(api.request(`/v1/jobs/${id}/items`))).data).toEqual([])
    expect(await answerOf(send(id, 1, jsonLines(...prompts(1, 2))))).toMatchObject({ items: 2 })
    more?.enqueue(Buffer.from(jsonLines(...prompts(50_000, 12_000))))
    more?.close()
    const refused = await earlier
    expect([refused.status, (await answerOf(refused)).code]).toEqual([400, 'upload_broken'])
    expect((await itemsOf(id)).map(({ custom_id }) => custom_id)).toEqual(['p1', 'p2'])
    expect(await answerOf(start(id, { parts: 1 }))).toMatchObject({ status: 'queued', counts: { total: 2 } })
  })

  test('a number that is not the next one is refused, with the next one', async () => {
    const id = await createDraft()
    const response = await send(id, 2, jsonLines(...prompts(1, 1)))
    expect([response.status, await answerOf(response)]).toMatchObject([409, { code: 'part_out_of_order', next_part: 1 }])
    for (const part of ['0', '-1', 'x', '1.5', ''])
      expect(await answerOf(send(id, part, jsonLines(...prompts(1, 1)))), part).toMatchObject({ code: 'invalid_request' })
  })
})

describe('a part that can not be taken', () => {
  test('leaves nothing, names its own lines, and may be mended', async () => {
    const id = await createDraft()
    await send(id, 1, jsonLines(...prompts(1, 2)))
    const bad = await send(
      id,
      2,
      `${jsonLines(...prompts(3, 2))}{"prompt":5}\n${jsonLines({ custom_id: 'p1', prompt: 'again' })}`,
    )
    expect(bad.status).toBe(422)
    expect(await answerOf(bad)).toMatchObject({
      code: 'invalid_input',
      errors: [
        { line: 3, field: 'prompt' },
        { line: 4, field: 'custom_id', reason: '"p1" is the custom_id of item 1 already' },
      ],
    })
    expect(await itemsOf(id)).toHaveLength(2)
    expect(await answerOf(send(id, 2, jsonLines(...prompts(3, 1))))).toMatchObject({ part: 2, items: 1 })
    expect((await itemsOf(id)).map(({ seq, custom_id }) => [seq, custom_id])).toEqual([
      [1, 'p1'],
      [2, 'p2'],
      [3, 'p3'],
    ])
  })

  test.each([
    ['an empty one', '', 'empty_input'],
    ['lines of another format', jsonLines({ custom_id: 'x', params: { max_tokens: 5, messages: [] } }), 'invalid_input'],
  ])('%s', async (_, lines, code) => {
    const id = await createDraft()
    await send(id, 1, jsonLines(...prompts(1, 1)))
    const response = await send(id, 2, lines)
    expect([response.status, (await answerOf(response)).code]).toEqual([422, code])
    expect(await answerOf(api.request(`/v1/jobs/${id}`))).toMatchObject({ draft: { next_part: 2 }, counts: { total: 1 } })
  })

  test('one that is compressed, or of another type', async () => {
    const id = await createDraft({ model, skip_invalid: true })
    const compressed = await api.request(`/v1/jobs/${id}/items?part=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
      body: gzipSync(jsonLines(...prompts(1, 2))),
    })
    expect([compressed.status, (await answerOf(compressed)).code]).toEqual([415, 'unsupported_media_type'])
    expect(await answerOf(send(id, 1, 'x', 'text/plain'))).toMatchObject({
      status: 415,
      detail: expect.stringMatching(/send application\/json, application\/x-ndjson or text\/csv$/),
    })
  })

  test('one whose connection breaks', async () => {
    const id = await createDraft()
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(jsonLines(...prompts(1, 12_000))))
      },
      pull: (controller) => controller.error(new Error('reset')),
    })
    const response = await send(id, 1, broken)
    expect([response.status, (await answerOf(response)).code]).toEqual([400, 'upload_broken'])
    await until('the end of the items', async () => (await itemsOf(id)).length === 0)
    expect(await answerOf(send(id, 1, jsonLines(...prompts(1, 1))))).toMatchObject({ items: 1 })
  })
})

test('limit and skip_invalid hold for all parts together', async () => {
  const id = await createDraft({ model, limit: 4, skip_invalid: true })
  expect(await answerOf(send(id, 1, `not JSON\n${jsonLines(...prompts(1, 3))}`))).toMatchObject({ items: 3, rejected_lines: 1 })
  expect(
    await answerOf(send(id, 2, `${jsonLines({ custom_id: 'p1', prompt: 'again' })}${jsonLines(...prompts(4, 3))}`)),
  ).toMatchObject({
    items: 1,
    rejected_lines: 1,
  })
  expect(await answerOf(start(id))).toMatchObject({ counts: { total: 4 }, rejected_lines: 2 })
  expect(await answerOf(api.request(`/v1/jobs/${id}/rejects`))).toMatchObject({
    data: [{ line: 1 }, { line: 5, field: 'custom_id' }],
  })
})

test('CSV with its header in each part', async () => {
  const id = await createDraft({ model, prompt: 'Label this: {{text}}' })
  await send(id, 1, 'custom_id,text\na,first\n', 'text/csv')
  await send(id, 2, 'custom_id,text\nb,second\n', 'text/csv')
  expect(await answerOf(start(id))).toMatchObject({ counts: { total: 2 } })
  expect((await itemsOf(id)).map(({ custom_id, line }) => [custom_id, JSON.parse(line).prompt])).toEqual([
    ['a', 'Label this: first'],
    ['b', 'Label this: second'],
  ])
})

test('models that differ from part to part are known to differ', async () => {
  const native = (custom_id: string, name: string) => ({
    custom_id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: name, messages: [{ role: 'user', content: 'Hi' }] },
  })
  const id = await createDraft({ provider: 'openai' })
  await send(id, 1, jsonLines(native('a', 'gpt-5-mini')))
  await send(id, 2, jsonLines(native('b', 'gpt-4o-mini')))
  expect(await answerOf(start(id))).toMatchObject({ model: null })
  expect(await api.test.database.sql`select mixed from jobs where id = ${id}`).toEqual([{ mixed: true }])
})

describe('the start', () => {
  test('again changes nothing', async () => {
    const id = await createDraft()
    await send(id, 1, jsonLines(...prompts(1, 1)))
    expect((await start(id)).status).toBe(200)
    const again = await start(id, { parts: 1 })
    expect([again.status, (await answerOf(again)).counts.total]).toEqual([200, 1])
    expect(
      (await answerOf(api.request(`/v1/jobs/${id}/events`))).data.filter(({ type }: { type: string }) => type === 'queued'),
    ).toHaveLength(1)
  })

  test('with fewer parts than there should be, or none, is refused', async () => {
    const id = await createDraft()
    expect(await answerOf(start(id))).toMatchObject({ status: 422, code: 'empty_input' })
    await send(id, 1, jsonLines(...prompts(1, 1)))
    expect(await answerOf(start(id, { parts: 2 }))).toMatchObject({ status: 409, code: 'parts_missing', parts: 1 })
    expect(await answerOf(start(id, { part: 1 }))).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(await answerOf(api.request(`/v1/jobs/${id}`))).toMatchObject({ status: 'validating' })
  })

  test('leaves a part out that still comes in, and refuses it', async () => {
    const id = await createDraft()
    await send(id, 1, jsonLines(...prompts(1, 1)))
    let more: ReadableStreamDefaultController<Uint8Array> | undefined
    const hanging = new ReadableStream<Uint8Array>({ start: (controller) => void (more = controller) })
    more?.enqueue(Buffer.from(jsonLines(...prompts(2, 12_000))))
    const late = send(id, 2, hanging)
    await until('items of the late part', async () => (await itemsOf(id)).length > 1)
    expect(await answerOf(start(id))).toMatchObject({ status: 'queued', counts: { total: 1 } })
    more?.close()
    expect((await late).status).toBe(400)
    expect(await itemsOf(id)).toHaveLength(1)
  })

  test('ends it: no part more, and a job that came whole takes none', async () => {
    const id = await createDraft()
    await send(id, 1, jsonLines(...prompts(1, 1)))
    await start(id)
    const whole = await answerOf(api.post('/v1/jobs', { model, items: [{ prompt: 'Hi' }] }))
    // What was answered before is answered again: the answer may have been lost.
    expect(await answerOf(send(id, 1, jsonLines(...prompts(1, 1))))).toMatchObject({ part: 1, items: 1, next_part: 2 })
    for (const job of [id, whole.id])
      expect(await answerOf(send(job, 2, jsonLines(...prompts(2, 1))))).toMatchObject({ code: 'job_not_draft' })
    expect(await answerOf(start(whole.id))).toMatchObject({ status: 409, code: 'job_not_draft' })
    expect(await answerOf(start('k7m2x9qd4ht2'))).toMatchObject({ status: 404 })
  })
})

test('a draft takes no command but its start, is no source of items, and can be deleted', async () => {
  const id = await createDraft({ model, name: 'thrown away' }, { 'idempotency-key': 'thrown-away' })
  await send(id, 1, jsonLines(...prompts(1, 3)))
  for (const command of ['cancel', 'pause', 'resume', 'poll', 'retry'])
    expect(await answerOf(api.post(`/v1/jobs/${id}/${command}`)), command).toMatchObject({ status: 409, code: 'job_is_draft' })
  expect(await answerOf(api.post('/v1/jobs', { model, from: id }))).toMatchObject({ code: 'job_is_draft' })
  expect((await api.request(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect((await api.request(`/v1/jobs/${id}`)).status).toBe(404)
  expect(await itemsOf(id)).toEqual([])
  expect(await api.test.database.sql`select 1 from parts where job_id = ${id}`).toEqual([])
  await createDraft({ model }, { 'idempotency-key': 'thrown-away' })
})

test('the same key and spec give the same draft, before and after its start', async () => {
  const headers = { 'idempotency-key': 'a-draft' }
  const id = await createDraft({ model }, headers)
  await send(id, 1, jsonLines(...prompts(1, 1)))
  const again = await api.post('/v1/jobs', { model, draft: true }, headers)
  expect([again.status, await answerOf(again)]).toMatchObject([200, { id, draft: { next_part: 2 } }])
  const other = await api.post('/v1/jobs', { model, draft: true, max_tokens: 5 }, headers)
  expect(await answerOf(other)).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
  const whole = await api.post('/v1/jobs', { model, items: prompts(1, 1) }, headers)
  expect(await answerOf(whole)).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
  await start(id)
  expect(await answerOf(api.post('/v1/jobs', { model, draft: true }, headers))).toMatchObject({ id, status: 'queued' })
})

test.each([
  ['items', { items: [] }],
  ['from', { from: 'k7m2x9qd4hta' }],
  ['draft', { draft: 'yes' }],
])('a draft with a wrong %s is refused', async (field, fields) => {
  const response = await api.post('/v1/jobs', { model, draft: true, ...fields })
  expect([response.status, await answerOf(response)]).toMatchObject([400, { code: 'invalid_request', errors: [{ field }] }])
})

test('a draft can not be planned without items', async () => {
  const response = await api.post('/v1/jobs?dry_run=true', { model, draft: true })
  expect([response.status, await answerOf(response)]).toMatchObject([400, { errors: [{ field: 'draft' }] }])
})

test('all parts together may be as large as an upload, and the message says what that is', async () => {
  const small = await createTestApi({ maxInputBytes: 100 })
  try {
    const { id } = await answerOf(small.post('/v1/jobs', { model, draft: true }))
    const part = async (number: number, prompt: string) =>
      await answerOf(small.post(`/v1/jobs/${id}/items?part=${number}`, { items: [{ prompt }] }))
    const first = await part(1, 'x'.repeat(60))
    expect(first).toMatchObject({ items: 1 })
    expect(await part(2, 'y'.repeat(30))).toMatchObject({ status: 413, detail: expect.stringContaining('larger than 100 bytes') })
    // It is counted once.
    expect(await part(1, 'x'.repeat(60))).toEqual(first)
    expect(await part(2, 'y')).toMatchObject({ items: 1 })
  } finally {
    await small.close()
  }
})
