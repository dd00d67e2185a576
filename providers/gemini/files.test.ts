import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../provider.ts'
import type { InlineRule } from './inline.ts'
import { answerJson, readBody, startLocalServer } from './local-server.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const signal = AbortSignal.timeout(10 * 60_000)
const never: InlineRule = { maxBytes: 0, maxLines: 0 }
let directory: string
let path: string
let server: Awaited<ReturnType<typeof startLocalServer>> | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-gemini-files-'))
  path = join(directory, 'spool.jsonl')
})
afterEach(async () => {
  server?.close()
  await rm(directory, { recursive: true, force: true })
})

const upload = (provider: Provider, more: { signal?: AbortSignal } = {}) =>
  provider.upload({ fileName: 'job-x.jsonl', path, endpoint: 'generateContent', signal, ...more })

interface Chunk {
  readonly offset: number
  readonly bytes: number
  readonly headers: IncomingHttpHeaders
}

/** A server that takes an upload as Google does; `answer` may take a chunk's answer over. */
async function startReceiver(answer?: (chunk: Chunk, response: ServerResponse) => boolean) {
  const seen = { start: {} as IncomingHttpHeaders, name: '', chunks: [] as Chunk[], peak: 0 }
  const before = process.memoryUsage().arrayBuffers
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request)
    // What nobody holds any more is no matter of ours: without this it is counted until the next collection.
    collectGarbage()
    seen.peak = Math.max(seen.peak, process.memoryUsage().arrayBuffers - before)
    if (request.headers['x-goog-upload-command'] === 'start') {
      seen.start = request.headers
      seen.name = (JSON.parse(body.toString()) as { file: { displayName: string } }).file.displayName
      // The host that is named gets nothing.
      response.setHeader('x-goog-upload-url', 'https://elsewhere.invalid/gemini/upload/v1beta/files?upload_id=u1')
      return void response.end()
    }
    const chunk = { offset: Number(request.headers['x-goog-upload-offset']), bytes: body.length, headers: request.headers }
    seen.chunks.push(chunk)
    if (answer?.(chunk, response) === true) return
    const isLast = request.headers['x-goog-upload-command'] === 'upload, finalize'
    response.setHeader('x-goog-upload-status', isLast ? 'final' : 'active')
    const size = String(chunk.offset + chunk.bytes)
    if (isLast) answerJson(response, { file: { name: 'files/abc', sizeBytes: size, state: 'ACTIVE' } })
    else response.end()
  }
  server = await startLocalServer((request, response) => void receive(request, response), never)
  return { provider: server.provider, seen }
}

describe('upload', () => {
  test('by Google’s protocol, in chunks, to the configured address alone', async () => {
    const bytes = 20_000_000
    const file = await open(path, 'w')
    await file.truncate(bytes)
    await file.close()
    const { provider, seen } = await startReceiver()
    expect(await upload(provider)).toEqual({ inputFileId: 'files/abc' })
    expect(seen.start).toMatchObject({
      'x-goog-api-key': 'key-local',
      'x-goog-upload-protocol': 'resumable',
      'x-goog-upload-header-content-length': String(bytes),
      'x-goog-upload-header-content-type': 'application/jsonl',
    })
    expect(seen.name).toBe('job-x.jsonl')
    const chunk = 8 * 1024 * 1024
    expect(seen.chunks.map(({ offset }) => offset)).toEqual([0, chunk, 2 * chunk])
    expect(seen.chunks.reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes)
    expect(seen.chunks[0]?.headers['x-goog-upload-command']).toBe('upload')
  })

  test('the file is never in memory as a whole', async () => {
    const bytes = 150_000_000
    const file = await open(path, 'w')
    await file.truncate(bytes)
    await file.close()
    const { provider, seen } = await startReceiver()
    await upload(provider)
    expect(seen.chunks.reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes)
    expect(seen.peak).toBeLessThan(bytes * 0.7)
  })

  test.each([
    ['a chunk that is refused', (_: Chunk, response: ServerResponse) => (response.writeHead(503).end(), true)],
    [
      'an upload that was given up',
      (_: Chunk, response: ServerResponse) => (response.setHeader('x-goog-upload-status', 'cancelled'), response.end(), true),
    ],
    [
      'a file of another size',
      (_: Chunk, response: ServerResponse) => {
        response.setHeader('x-goog-upload-status', 'final')
        answerJson(response, { file: { name: 'files/abc', sizeBytes: '1' } })
        return true
      },
    ],
  ])('%s is transient', async (_, answer) => {
    await writeFile(path, '{}\n{}\n')
    const { provider, seen } = await startReceiver(answer)
    await expect(upload(provider)).rejects.toMatchObject({ kind: 'transient' })
    expect(seen.chunks).toHaveLength(1)
  })

  test('an abort ends it', async () => {
    await writeFile(path, '{}\n{}\n')
    const { provider } = await startReceiver(() => true)
    await expect(upload(provider, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'aborted' })
  })
})

test('a small batch is not uploaded: few lines, few bytes', async () => {
  let calls = 0
  server = await startLocalServer(
    (_, response) => {
      calls += 1
      response.writeHead(500).end()
    },
    { maxBytes: 30, maxLines: 3 },
  )
  const { provider } = server
  await writeFile(path, '{"key":1}\n'.repeat(3))
  expect(await upload(provider)).toEqual({ inputFileId: null })
  expect(calls).toBe(0)
  await writeFile(path, '{}\n'.repeat(4))
  await expect(upload(provider)).rejects.toMatchObject({ httpStatus: 500 })
  await writeFile(path, `{"key":"${'x'.repeat(30)}"}\n`)
  await expect(upload(provider)).rejects.toMatchObject({ httpStatus: 500 })
})

describe('deleting', () => {
  const tooLong = "* DeleteFileRequest.name: File ID (name excluding 'files/') cannot be more than 40 characters."

  test('tries every file; what is gone, or has a name too long to be deleted, is no error', async () => {
    const asked: string[] = []
    server = await startLocalServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      const id = request.url?.split('/').at(-1) ?? ''
      if (id.length > 40) answerJson(response, { error: { code: 400, message: tooLong, status: 'INVALID_ARGUMENT' } }, 400)
      else if (id === 'gone') answerJson(response, { error: { code: 404, message: 'x', status: 'NOT_FOUND' } }, 404)
      else answerJson(response, {})
    })
    const long = `batch-${'x'.repeat(36)}`
    await server.provider.deleteFiles([`files/${long}`, 'batches/b1', 'files/gone', 'files/here'], signal)
    expect(asked).toEqual([
      `DELETE /gemini/v1beta/files/${long}`,
      'DELETE /gemini/v1beta/files/gone',
      'DELETE /gemini/v1beta/files/here',
    ])
  })

  test('the first failure comes out at the end', async () => {
    let calls = 0
    server = await startLocalServer((_, response) => {
      calls += 1
      answerJson(response, { error: { code: 400, message: 'no', status: 'INVALID_ARGUMENT' } }, 400)
    })
    await expect(server.provider.deleteFiles(['files/a', 'files/b'], signal)).rejects.toMatchObject({ kind: 'invalid' })
    expect(calls).toBe(2)
  })
})
