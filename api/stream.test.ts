import { afterAll, beforeAll, expect, test } from 'vitest'
import { serverSentEvents, type ServerSentEvent } from '../client/server-sent-events.ts'
import { createTestApi, type TestApi } from '../test/api.ts'
import { insertJob } from '../test/job-rows.ts'
import { afterwards } from '../test/services.ts'
import { appendEvent, jobEventsChannel } from '../db/job-events.ts'
import { jobSchema } from './contracts/jobs.ts'

let api: TestApi
/** One that never looks of its own accord while a test runs: its readers are told, or see nothing. */
let patient: TestApi
beforeAll(async () => {
  ;[api, patient] = await Promise.all([createTestApi(), createTestApi({ progressMs: 600_000 })])
})
afterAll(() => Promise.all([api.close(), patient.close()]))

function open(asked: TestApi, id: string, lastEventId?: number) {
  const leave = new AbortController()
  const response = asked.request(`/v1/jobs/${id}/stream`, {
    signal: leave.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  })
  const messages = (async function* () {
    yield* serverSentEvents((await response).body as unknown as AsyncIterable<Uint8Array>)
  })()
  return { response, messages, leave: () => leave.abort() }
}

/** The next message of this kind. */
async function next(messages: AsyncGenerator<ServerSentEvent>, kind: string): Promise<ServerSentEvent> {
  for (;;) {
    const { value, done } = await messages.next()
    if (done === true) throw new Error(`the stream ended before a message "${kind}"`)
    if (value.event === kind) return value
  }
}

async function finish(id: string): Promise<void> {
  await api.test.database.sql`update jobs set status = 'completed' where id = ${id}`
  await appendEvent(api.test.database.drizzle, id, 'completed')
}

test('gives the history, then what happens, then ends with the job', async () => {
  const { database } = api.test
  const id = await insertJob(database, 1)
  await appendEvent(database.drizzle, id, 'queued', { items: 1 })
  const { response, messages } = open(api, id)
  expect((await response).headers.get('content-type')).toContain('text/event-stream')
  const first = await next(messages, 'event')
  expect(first.id).toBe('1')
  expect(JSON.parse(first.data)).toMatchObject({ n: 1, type: 'queued', data: { items: 1 } })
  expect(jobSchema.parse(JSON.parse((await next(messages, 'progress')).data))).toMatchObject({ id, status: 'in_progress' })
  await appendEvent(database.drizzle, id, 'started')
  expect((await next(messages, 'event')).id).toBe('2')
  await finish(id)
  expect((await next(messages, 'event')).id).toBe('3')
  expect(JSON.parse((await next(messages, 'end')).data)).toMatchObject({ status: 'completed' })
  expect((await messages.next()).done).toBe(true)
})

test('shows counters that change without an event', async () => {
  const id = await insertJob(api.test.database, 2)
  const { messages, leave } = open(api, id)
  await next(messages, 'progress')
  await api.test.database.sql`update jobs set succeeded = 1 where id = ${id}`
  expect(JSON.parse((await next(messages, 'progress')).data)).toMatchObject({ counts: { succeeded: 1 } })
  leave()
})

test('goes on after Last-Event-ID, and has nothing more to say after the last event of a finished job', async () => {
  const { database } = api.test
  const id = await insertJob(database, 1)
  for (let count = 1; count <= 1203; count++) await appendEvent(database.drizzle, id, 'tick', { count })
  const { messages } = open(api, id, 600)
  await finish(id)
  const ids: number[] = []
  for await (const message of messages) if (message.event === 'event') ids.push(Number(message.id))
  expect(ids).toEqual(Array.from({ length: 604 }, (_, index) => 601 + index))
  expect((await open(api, id, 1204).response).status).toBe(204)
})

test('readers are woken by an announcement of the job and the number of its event, which carries nothing else', async () => {
  const { database } = patient.test
  const announced: string[] = []
  const subscription = await database.sql.listen(jobEventsChannel, (payload) => announced.push(payload))
  afterwards(() => subscription.unlisten())
  const id = await insertJob(database, 1)
  const { messages, leave } = open(patient, id)
  await next(messages, 'progress')
  for (const secret of ['a prompt', 'an answer']) {
    await appendEvent(database.drizzle, id, 'told', { secret })
    expect(JSON.parse((await next(messages, 'event')).data)).toMatchObject({ type: 'told', data: { secret } })
  }
  expect(announced).toEqual([`${id} 1`, `${id} 2`])
  leave()
})

test('readers catch up after the connection that listens was lost', async () => {
  const { database } = patient.test
  const id = await insertJob(database, 1)
  const { messages, leave } = open(patient, id)
  await next(messages, 'progress')
  await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' and datname = current_database()`
  await appendEvent(database.drizzle, id, 'meanwhile')
  expect(JSON.parse((await next(messages, 'event')).data)).toMatchObject({ type: 'meanwhile' })
  leave()
})

test('an unknown Last-Event-ID is refused', async () => {
  const id = await insertJob(api.test.database, 1)
  const response = await api.request(`/v1/jobs/${id}/stream`, { headers: { 'last-event-id': 'abc' } })
  expect(response.status).toBe(400)
})
