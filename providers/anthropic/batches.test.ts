import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Provider } from '../provider.ts'
import { createSlowReceiver } from '../slow-receiver.ts'
import { messageBatch, readBody, startLocalServer } from './local-server.ts'

const signal = AbortSignal.timeout(10 * 60_000)
let directory: string
let path: string
const opened: Array<{ close(): void }> = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-batches-'))
  path = join(directory, 'spool.jsonl')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const each of opened.splice(0)) each.close()
  await rm(directory, { recursive: true, force: true })
})

async function providerOf(listener: RequestListener): Promise<Provider> {
  const server = await startLocalServer(listener)
  opened.push(server)
  return server.provider
}

function create(provider: Provider, more: { path?: string | null; signal?: AbortSignal; beforeSend?: () => void } = {}) {
  return provider.create({
    inputFileId: null,
    path,
    endpoint: '/v1/messages',
    model: 'claude-haiku-5-5',
    displayName: 'x',
    signal,
    beforeSend: () => undefined,
    ...more,
  })
}

const answer = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

describe('create', () => {
  test('the lines of the spool file are the requests, of a length that is said beforehand', async () => {
    let headers: IncomingHttpHeaders = {}
    let body: Buffer = Buffer.alloc(0)
    const provider = await providerOf((request, response) => {
      headers = request.headers
      void readBody(request).then((read) => {
        body = read
        answer(response, messageBatch())
      })
    })
    const lines = ['a', 'b\n"c"', 'ü'].map((text, index) =>
      provider.line(`tok-${index}`, { model: 'm', endpoint: '/v1/messages', body: { text }, warnings: [] }),
    )
    await writeFile(path, lines.map((line) => `${line}\n`).join(''))
    expect(await create(provider)).toMatchObject({ id: 'msgbatch_1', status: 'in_progress', marker: null, counts: { total: 3 } })
    expect(JSON.parse(body.toString())).toEqual({
      requests: ['a', 'b\n"c"', 'ü'].map((text, index) => ({ custom_id: `tok-${index}`, params: { text } })),
    })
    expect(headers).toMatchObject({
      'content-length': String(body.length),
      'content-type': 'application/json',
      authorization: 'Bearer sk-local',
    })
    expect(headers['transfer-encoding']).toBeUndefined()
    // Under the newer one no model would take a temperature.
    expect(headers['anthropic-version']).toBe('2023-06-01')
  })

  test('a file without a line end at its end is not cut', async () => {
    let body = ''
    const provider = await providerOf((request, response) => {
      void readBody(request).then((read) => {
        body = read.toString()
        answer(response, messageBatch())
      })
    })
    await writeFile(path, '{"a":1}\n{"b":2}')
    await create(provider)
    expect(body).toBe('{"requests":[{"a":1},{"b":2}]}')
  })

  test('the requests are never in memory as a whole, however slowly they are taken', async () => {
    const bytes = 150_000_000
    const file = await open(path, 'w')
    await file.truncate(bytes)
    await file.close()
    const { listener, seen } = createSlowReceiver((response) => answer(response, messageBatch()))
    const provider = await providerOf(listener)
    await create(provider)
    expect(seen.received).toBe(bytes + '{"requests":[]}'.length)
    expect(seen.peak).toBeLessThan(bytes * 0.8)
  })

  test('a file that is gone, or empty, or not named is certainly no batch, and nothing is sent', async () => {
    let calls = 0
    const provider = await providerOf((_, response) => {
      calls += 1
      response.end()
    })
    await expect(create(provider)).rejects.toMatchObject({ code: 'spool_unreadable', certainlyNotApplied: true })
    await writeFile(path, '')
    await expect(create(provider)).rejects.toMatchObject({ code: 'spool_unreadable', certainlyNotApplied: true })
    await expect(create(provider, { path: null })).rejects.toMatchObject({ kind: 'invalid', certainlyNotApplied: true })
    expect(calls).toBe(0)
  })

  test('a redirect is not followed: that would be a second POST', async () => {
    const calls: string[] = []
    const provider = await providerOf((request, response) => {
      calls.push(request.url ?? '')
      request.resume()
      response.writeHead(307, { location: '/elsewhere' }).end()
    })
    await writeFile(path, '{}\n')
    await expect(create(provider)).rejects.toMatchObject({ kind: 'transient', certainlyNotApplied: false })
    expect(calls).toEqual(['/v1/messages/batches'])
  })

  test('an answer that is no batch is ambiguous', async () => {
    const provider = await providerOf((request, response) => {
      request.resume()
      answer(response, { ok: true })
    })
    await writeFile(path, '{}\n')
    await expect(create(provider)).rejects.toMatchObject({ code: 'unreadable_answer', certainlyNotApplied: false })
  })

  test('an abort in the middle of the sending is ambiguous, and ends it', async () => {
    const file = await open(path, 'w')
    await file.truncate(50_000_000)
    await file.close()
    const controller = new AbortController()
    let closed: Promise<void> | undefined
    const provider = await providerOf((request: IncomingMessage) => {
      closed = new Promise((resolve) => request.once('close', resolve))
      request.once('data', () => controller.abort())
    })
    await expect(create(provider, { signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
      certainlyNotApplied: false,
    })
    await closed
  })
})

test('the account’s missing money is a matter of the key, not of the requests', async () => {
  await writeFile(path, '{}\n')
  const refuse = (status: number, type: string, message: string) =>
    providerOf((request, response) => {
      request.resume()
      answer(response, { type: 'error', error: { type, message }, request_id: 'r' }, status)
    })
  const poor = await refuse(400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.')
  await expect(create(poor)).rejects.toMatchObject({ kind: 'auth', httpStatus: 400, certainlyNotApplied: true })
  const unpaid = await refuse(402, 'billing_error', 'x')
  await expect(create(unpaid)).rejects.toMatchObject({ kind: 'auth', code: 'billing_error' })
  const large = await refuse(413, 'request_too_large', 'x')
  await expect(create(large)).rejects.toMatchObject({ kind: 'invalid', code: 'request_too_large' })
  const busy = await refuse(529, 'overloaded_error', 'x')
  await expect(create(busy)).rejects.toMatchObject({ kind: 'transient', certainlyNotApplied: false })
})

test('what the environment says to the SDK changes nothing', async () => {
  const elsewhere = createServer((_, response) => response.end())
  opened.push(elsewhere)
  vi.stubEnv('ANTHROPIC_API_KEY', 'sk-environment')
  vi.stubEnv('ANTHROPIC_AUTH_TOKEN', 'token-environment')
  vi.stubEnv('ANTHROPIC_BASE_URL', 'http://127.0.0.1:1')
  vi.stubEnv('ANTHROPIC_CUSTOM_HEADERS', 'Authorization: Bearer sk-custom\nX-Api-Key: sk-custom')
  let headers: IncomingHttpHeaders = {}
  const provider = await providerOf((request, response) => {
    headers = request.headers
    answer(response, messageBatch())
  })
  await provider.retrieve('msgbatch_1', signal)
  expect(headers['authorization']).toBe('Bearer sk-local')
  expect(headers['x-api-key']).toBeUndefined()
  await writeFile(path, '{}\n')
  await create(provider)
  expect(headers['authorization']).toBe('Bearer sk-local')
})

test('a call is made once, whatever its status: retries are not the SDK’s', async () => {
  let calls = 0
  const provider = await providerOf((request, response) => {
    calls += 1
    request.resume()
    response.writeHead(503, { 'x-should-retry': 'true' }).end()
  })
  await writeFile(path, '{}\n')
  await expect(create(provider)).rejects.toMatchObject({ kind: 'transient', httpStatus: 503 })
  await expect(provider.retrieve('msgbatch_1', signal)).rejects.toMatchObject({ kind: 'transient', httpStatus: 503 })
  expect(calls).toBe(2)
})

describe('list', () => {
  const at = (minutesAgo: number) => new Date(Date.now() - minutesAgo * 60_000).toISOString()
  const page = (ids: string[], minutesAgo: number, hasMore: boolean) => ({
    data: ids.map((id) => messageBatch({ id, created_at: at(minutesAgo) })),
    has_more: hasMore,
  })
  const listed = (provider: Provider, minutes: number) =>
    Array.fromAsync(provider.list(new Date(Date.now() - minutes * 60_000), signal), (batch) => batch.id)

  test('is followed from page to page until one is too old as a whole', async () => {
    const asked: string[] = []
    const provider = await providerOf((request, response) => {
      const after = new URL(request.url ?? '', 'http://x').searchParams.get('after_id')
      asked.push(after ?? '')
      if (after === null) answer(response, page(['e', 'd'], 1, true))
      else if (after === 'd') answer(response, page(['c'], 30, true))
      else answer(response, page(['b'], 90, true))
    })
    expect(await listed(provider, 60)).toEqual(['e', 'd', 'c', 'b'])
    expect(asked).toEqual(['', 'd', 'c'])
  })

  test('ends where there is no more', async () => {
    const provider = await providerOf((_, response) => answer(response, page([], 0, false)))
    expect(await listed(provider, 60)).toEqual([])
  })

  test('that says that it goes on, but does not, is no list', async () => {
    const provider = await providerOf((_, response) => answer(response, page([], 0, true)))
    await expect(listed(provider, 60)).rejects.toMatchObject({ code: 'list_incomplete' })
    const other = await providerOf((_, response) => answer(response, { data: 'none' }))
    await expect(listed(other, 60)).rejects.toMatchObject({ code: 'unreadable_answer' })
  })
})

test('to cancel what has ended, or is about to, is no error; a batch that goes on is', async () => {
  let status = 'ended'
  const provider = await providerOf((request, response) => {
    if (request.method === 'POST')
      answer(response, { type: 'error', error: { type: 'invalid_request_error', message: 'x' } }, 400)
    else answer(response, messageBatch({ processing_status: status }))
  })
  await provider.cancel('msgbatch_1', signal)
  status = 'canceling'
  await provider.cancel('msgbatch_1', signal)
  status = 'in_progress'
  await expect(provider.cancel('msgbatch_1', signal)).rejects.toMatchObject({ kind: 'invalid', httpStatus: 400 })
})
