import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { answerOf } from '../test/api.ts'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, until, type TestDatabase } from '../test/services.ts'
import { startApi } from './main.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

function configFor(environment: Record<string, string> = {}) {
  return loadConfig({
    directory: '/',
    environment: {
      DATABASE_URL: db.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      OPENAI_API_KEY: 'k',
      PORT: '0',
      ...environment,
    },
  })
}

function recordingLogger() {
  const lines: string[] = []
  const record = (_fields: object, message: string) => void lines.push(message)
  return { lines, logger: { debug() {}, info: record, warn: record, error: record } }
}

describe('the process', () => {
  test('serves over HTTP, streams an upload, and says when it is ready', async () => {
    const { lines, logger } = recordingLogger()
    const api = await startApi(configFor(), logger)
    expect(lines).toContain('api ready')
    const form = new FormData()
    form.append('job', '{"model":"gpt-5-mini"}')
    form.append('file', new File(['{"prompt":"x"}\n'.repeat(5000)], 'items.jsonl'))
    const created = await fetch(`${api.url}/v1/jobs`, { method: 'POST', body: form })
    expect(await answerOf(created)).toMatchObject({ status: 'queued', counts: { total: 5000 } })
    expect(await answerOf(fetch(`${api.url}/v1/jobs`, { headers: { origin: 'https://evil.example' } }))).toMatchObject({
      code: 'origin_not_allowed',
    })
    await api.stop()
    await expect(fetch(`${api.url}/healthz`)).rejects.toThrow('fetch failed')
  })

  test('an upload that is refused early is told why, though its body was not read', async () => {
    const api = await startApi(configFor(), recordingLogger().logger)
    const response = await fetch(`${api.url}/v1/jobs?model=gpt-5-mni`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: '{"prompt":"xxxxxxxxxxxxxxxxxxxx"}\n'.repeat(300_000),
    })
    expect(await answerOf(response)).toMatchObject({ code: 'unknown_model' })
    await api.stop()
  })

  test('a client that goes away in the middle of an upload leaves nothing', async () => {
    const api = await startApi(configFor(), recordingLogger().logger)
    const leave = new AbortController()
    const endless = new ReadableStream({
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode('{"prompt":"x"}\n'))
        // As slow as a line to a client may be, so that the upload is in its middle when the client goes.
        await new Promise((resolve) => setTimeout(resolve, 5))
      },
    })
    const upload = fetch(`${api.url}/v1/jobs?model=gpt-5-mini&name=gone`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: endless,
      duplex: 'half',
      signal: leave.signal,
    })
    const isThere = async () => (await db.database.sql`select 1 from jobs where name = 'gone'`).length > 0
    await until('the upload to begin', isThere)
    leave.abort()
    await expect(upload).rejects.toThrow('abort')
    await until('the upload to be removed', async () => !(await isThere()))
    await api.stop()
  })

  test('a stop ends open streams', async () => {
    const api = await startApi(configFor(), recordingLogger().logger)
    const id = await insertJob(db.database, 1)
    const response = await fetch(`${api.url}/v1/jobs/${id}/stream`)
    const read = response.text()
    await api.stop()
    // A stream that is not ended is cut when the time for a stop is over, and to read it fails.
    expect(await read).toContain('event: progress')
  })

  test('without Postgres it starts, says so once, and answers 503', async () => {
    const { lines, logger } = recordingLogger()
    const api = await startApi(configFor({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }), logger)
    await until('the warning', () => lines.includes('postgres is not reachable; trying again until it is'))
    expect((await fetch(`${api.url}/v1/jobs`)).status).toBe(503)
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200)
    await api.stop()
  })

  test('without Temporal it starts, says so once, and says which part is missing', async () => {
    const { lines, logger } = recordingLogger()
    const api = await startApi(configFor({ TEMPORAL_ADDRESS: '127.0.0.1:1' }), logger)
    await until('the warning', () => lines.includes('temporal is not reachable; trying again until it is'))
    expect(lines.filter((line) => line.includes('not reachable'))).toHaveLength(1)
    const readiness = await fetch(`${api.url}/readyz`)
    expect(readiness.status).toBe(503)
    expect(await answerOf(readiness)).toMatchObject({ postgres: { ready: true }, temporal: { ready: false } })
    expect((await fetch(`${api.url}/v1/jobs`)).status).toBe(200)
    await api.stop()
  })

  test('a port that is taken is one line that says what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    await expect(startApi(configFor({ PORT: String(port) }), recordingLogger().logger)).rejects.toMatchObject({
      code: 'port_taken',
      message: `port ${port} on 127.0.0.1 is taken: stop what listens there, or set PORT`,
    })
    other.close()
  })

  test('without a database address, or open to others without a key, it does not start', async () => {
    await expect(startApi(configFor({ DATABASE_URL: '' }), recordingLogger().logger)).rejects.toMatchObject({
      code: 'database_url_missing',
    })
    await expect(startApi(configFor({ HOST: '0.0.0.0' }), recordingLogger().logger)).rejects.toMatchObject({
      code: 'api_key_missing',
    })
  })
})
