import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CreateInput, Provider } from '../provider.ts'
import { answerJson, batchOperation, readBody, startLocalServer } from './local-server.ts'

const signal = AbortSignal.timeout(10 * 60_000)
let directory: string
let path: string
const opened: Array<{ close(): void }> = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-gemini-'))
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

function create(provider: Provider, more: Partial<CreateInput> = {}) {
  return provider.create({
    inputFileId: 'files/in',
    endpoint: 'generateContent',
    model: 'gemini-2.5-flash',
    displayName: 'job-x-batch-1-attempt-1',
    signal,
    beforeSend: () => undefined,
    ...more,
  })
}

/** What a create sends. */
async function sent(more: Partial<CreateInput>) {
  let url = ''
  let body: unknown
  const provider = await providerOf((request, response) => {
    url = request.url ?? ''
    void readBody(request).then((read) => {
      body = JSON.parse(read.toString())
      answerJson(response, batchOperation())
    })
  })
  const batch = await create(provider, more)
  return { url, body, batch }
}

describe('create', () => {
  test('from a file, under its own name, with what the SDK leaves out', async () => {
    const { url, body, batch } = await sent({})
    expect(url).toBe('/gemini/v1beta/models/gemini-2.5-flash:batchGenerateContent')
    expect(body).toEqual({ batch: { displayName: 'job-x-batch-1-attempt-1', inputConfig: { fileName: 'files/in' } } })
    expect(batch).toMatchObject({ id: 'batches/b1', marker: 'job-x-batch-1-attempt-1', counts: { total: 3 } })
  })

  test('of embeddings has a method of its own', async () => {
    const { url } = await sent({ endpoint: 'embedContent', model: 'gemini-embedding-001' })
    expect(url).toBe('/gemini/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent')
  })

  test('from the requests themselves, each untouched and with its key beside it', async () => {
    const requests = [{ contents: [], safetySettings: [1] }, { contents: [{ parts: [{ text: 'ü\n' }] }] }]
    await writeFile(path, requests.map((request, index) => `${JSON.stringify({ key: `tok-${index}`, request })}\n`).join(''))
    const { body } = await sent({ inputFileId: null, path })
    expect(body).toEqual({
      batch: {
        displayName: 'job-x-batch-1-attempt-1',
        inputConfig: {
          requests: { requests: requests.map((request, index) => ({ request, metadata: { key: `tok-${index}` } })) },
        },
      },
    })
  })

  test('of nothing is certainly no batch, and nothing is sent', async () => {
    let calls = 0
    const provider = await providerOf((_, response) => {
      calls += 1
      response.end()
    })
    const unreadable = { code: 'spool_unreadable', certainlyNotApplied: true }
    await expect(create(provider, { inputFileId: null, path })).rejects.toMatchObject(unreadable)
    await writeFile(path, '')
    await expect(create(provider, { inputFileId: null, path })).rejects.toMatchObject(unreadable)
    const nothing = { kind: 'invalid', certainlyNotApplied: true }
    await expect(create(provider, { inputFileId: null })).rejects.toMatchObject(nothing)
    expect(calls).toBe(0)
  })

  test('a redirect is not followed: that would be a second POST', async () => {
    const calls: string[] = []
    const provider = await providerOf((request, response) => {
      calls.push(request.url ?? '')
      response.writeHead(307, { location: '/elsewhere' }).end()
    })
    await expect(create(provider)).rejects.toMatchObject({ certainlyNotApplied: false })
    expect(calls).toHaveLength(1)
  })

  test('an answer that is no batch is ambiguous', async () => {
    const provider = await providerOf((_, response) => answerJson(response, { ok: true }))
    await expect(create(provider)).rejects.toMatchObject({ code: 'unreadable_answer', certainlyNotApplied: false })
    const cut = await providerOf((_, response) => response.writeHead(200, { 'content-length': 500 }).end('{"name":"ba'))
    await expect(create(cut)).rejects.toMatchObject({ kind: 'transient', certainlyNotApplied: false })
  })
})

describe('what is refused', () => {
  const refusal = (status: number, error: object) => providerOf((_, response) => answerJson(response, { error }, status))
  const errorInfo = (reason: string) => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason })

  test('a wrong key is a 400 like any other, but for its reason', async () => {
    const provider = await refusal(400, {
      code: 400,
      message: 'API key not valid. Please pass a valid API key.',
      status: 'INVALID_ARGUMENT',
      details: [errorInfo('API_KEY_INVALID')],
    })
    await expect(create(provider)).rejects.toMatchObject({ kind: 'auth', code: 'API_KEY_INVALID', certainlyNotApplied: true })
    await expect(provider.retrieve('batches/b1', signal)).rejects.toMatchObject({ kind: 'auth', httpStatus: 400 })
  })

  test('a missing bill is a matter of the account', async () => {
    const message = 'Gemini API free tier is not available in your country. Please enable billing on your project.'
    const provider = await refusal(400, { code: 400, message, status: 'FAILED_PRECONDITION' })
    await expect(create(provider)).rejects.toMatchObject({ kind: 'auth', certainlyNotApplied: true })
  })

  test('a 429 says in its details how long to wait', async () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.07s' }]
    const provider = await refusal(429, { code: 429, message: 'quota', status: 'RESOURCE_EXHAUSTED', details })
    await expect(create(provider)).rejects.toMatchObject({
      kind: 'rate_limited',
      code: 'RESOURCE_EXHAUSTED',
      retryAfterMs: 34_070,
      certainlyNotApplied: true,
    })
  })

  test('a full queue is a 429 that names the quota', async () => {
    const violations = [{ quotaId: 'BatchEnqueuedTokensPerProjectPerModel', quotaMetric: 'x' }]
    const provider = await refusal(429, { code: 429, message: 'quota', status: 'RESOURCE_EXHAUSTED', details: [{ violations }] })
    await expect(create(provider)).rejects.toMatchObject({ kind: 'rate_limited', code: 'token_limit_exceeded' })
  })

  test('a file that is gone is not found, though it is said to be forbidden', async () => {
    const message = 'You do not have permission to access the File abc or it may not exist.'
    const provider = await refusal(403, { code: 403, message, status: 'PERMISSION_DENIED' })
    await expect(create(provider)).rejects.toMatchObject({ kind: 'not_found', httpStatus: 403, certainlyNotApplied: true })
    await provider.deleteFiles(['files/abc'], signal)
  })

  test('an error that is no JSON is told by its status', async () => {
    const provider = await providerOf((_, response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>'))
    await expect(create(provider)).rejects.toMatchObject({ kind: 'transient', httpStatus: 502, certainlyNotApplied: false })
  })
})

test('what the environment says to the SDK changes nothing', async () => {
  vi.stubEnv('GOOGLE_API_KEY', 'key-environment')
  vi.stubEnv('GEMINI_API_KEY', 'key-environment')
  vi.stubEnv('GOOGLE_GEMINI_BASE_URL', 'http://127.0.0.1:1')
  vi.stubEnv('GOOGLE_GENAI_API_VERSION', 'v9')
  vi.stubEnv('GOOGLE_GENAI_USE_VERTEXAI', 'true')
  vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'p')
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  let headers: IncomingHttpHeaders = {}
  let url: string | undefined
  const provider = await providerOf((request, response) => {
    headers = request.headers
    url = request.url
    answerJson(response, batchOperation())
  })
  warn.mockRestore()
  await provider.retrieve('batches/b1', signal)
  expect(url).toBe('/gemini/v1beta/batches/b1')
  expect(headers['x-goog-api-key']).toBe('key-local')
  expect(headers['authorization']).toBeUndefined()
})

test('a call is made once, whatever its status: retries are not the SDK’s', async () => {
  let calls = 0
  const provider = await providerOf((_, response) => {
    calls += 1
    response.writeHead(503).end()
  })
  await expect(create(provider)).rejects.toMatchObject({ kind: 'transient', httpStatus: 503 })
  await expect(provider.retrieve('batches/b1', signal)).rejects.toMatchObject({ kind: 'transient', httpStatus: 503 })
  expect(calls).toBe(2)
})

describe('list', () => {
  const listed = (provider: Provider, minutes: number) =>
    Array.fromAsync(provider.list(new Date(Date.now() - minutes * 60_000), signal), ({ id }) => id)
  const named = (name: string, minutesAgo: number) => ({
    ...batchOperation({ createTime: new Date(Date.now() - minutesAgo * 60_000).toISOString() }),
    name: `batches/${name}`,
  })

  test('is followed to its end: its order is not documented, and an empty page is not the end', async () => {
    const asked: Array<string | null> = []
    const pages: Record<string, object> = {
      '': { operations: [named('old', 600)], nextPageToken: 'p2' },
      p2: { nextPageToken: 'p3' },
      p3: { operations: [named('new', 1), named('other', 30)] },
    }
    const provider = await providerOf((request, response) => {
      const token = new URL(request.url ?? '', 'http://x').searchParams.get('pageToken')
      asked.push(token)
      answerJson(response, pages[token ?? ''])
    })
    expect(await listed(provider, 60)).toEqual(['batches/new', 'batches/other'])
    expect(asked).toEqual([null, 'p2', 'p3'])
  })

  test('of nothing is empty, and one that goes in circles is none', async () => {
    expect(await listed(await providerOf((_, response) => answerJson(response, {})), 60)).toEqual([])
    const circle = await providerOf((_, response) => answerJson(response, { nextPageToken: 'p2' }))
    await expect(listed(circle, 60)).rejects.toMatchObject({ code: 'list_incomplete' })
    const broken = await providerOf((_, response) => answerJson(response, { operations: [{}] }))
    await expect(listed(broken, 60)).rejects.toMatchObject({ code: 'unreadable_answer' })
  })
})

test('to cancel what has ended is no error; a batch that goes on is', async () => {
  let state = 'BATCH_STATE_SUCCEEDED'
  const asked: string[] = []
  const provider = await providerOf((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (request.method === 'POST')
      answerJson(response, { error: { code: 400, status: 'FAILED_PRECONDITION', message: 'x' } }, 400)
    else answerJson(response, batchOperation({ state }))
  })
  await provider.cancel('batches/b1', signal)
  expect(asked).toEqual(['POST /gemini/v1beta/batches/b1:cancel', 'GET /gemini/v1beta/batches/b1'])
  state = 'BATCH_STATE_RUNNING'
  await expect(provider.cancel('batches/b1', signal)).rejects.toMatchObject({ kind: 'invalid', httpStatus: 400 })
})

test('an abort ends a call that waits for its answer', async () => {
  const provider = await providerOf(() => undefined)
  await expect(create(provider, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    code: 'aborted',
    certainlyNotApplied: false,
  })
})
