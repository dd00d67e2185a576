import { mkdtemp, open, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadCatalog } from '../../models/catalog.ts'
import type { Provider } from '../provider.ts'
import { createSlowReceiver } from '../slow-receiver.ts'
import { createOpenAiProvider } from './provider.ts'

const signal = AbortSignal.timeout(10 * 60_000)
const fileBytes = 150_000_000
let directory: string
let path: string
let server: Server | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-files-'))
  path = join(directory, 'spool.jsonl')
})
afterEach(async () => {
  server?.closeAllConnections()
  server?.close()
  await rm(directory, { recursive: true, force: true })
})

/** A provider whose server is `listener`. */
async function providerOf(listener: RequestListener): Promise<Provider> {
  const started = createServer(listener)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(started.address() as AddressInfo).port}/v1`
  return createOpenAiProvider({ name: 'openai', kind: 'openai', apiKey: 'sk-files', baseUrl, simulated: true }, loadCatalog())
}

async function writeSpool(bytes: number): Promise<void> {
  const file = await open(path, 'w')
  await file.truncate(bytes)
  await file.close()
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
}

const upload = (provider: Provider) => provider.upload({ fileName: 'batch-1', path, endpoint: '/v1/responses', signal })

test('an upload is never in memory as a whole, however slowly it is taken', async () => {
  await writeSpool(fileBytes)
  const { listener, seen } = createSlowReceiver((response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: 'file-1', bytes: fileBytes })),
  )
  const provider = await providerOf(listener)
  expect(await upload(provider)).toEqual({ inputFileId: 'file-1' })
  expect(seen.received).toBeGreaterThan(fileBytes)
  expect(seen.peak).toBeLessThan(fileBytes * 0.8)
})

test('an upload names its file, its purpose and when it goes by itself', async () => {
  await writeSpool(10)
  let form = ''
  const provider = await providerOf((request, response) => {
    void readAll(request).then((body) => {
      form = body.toString('latin1')
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: 'file-1', bytes: 10 }))
    })
  })
  await upload(provider)
  expect(form).toContain('name="file"; filename="batch-1.jsonl"')
  expect(form).toMatch(/name="purpose"\r\n\r\nbatch\r\n/)
  expect(form).toMatch(/name="expires_after\[anchor\]"\r\n\r\ncreated_at\r\n/)
  expect(form).toMatch(/name="expires_after\[seconds\]"\r\n\r\n604800\r\n/)
})

test('an upload that arrived in part is not taken for the file', async () => {
  await writeSpool(10)
  const provider = await providerOf((request, response) => {
    void readAll(request).then(() =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: 'file-1', bytes: 9 })),
    )
  })
  await expect(upload(provider)).rejects.toMatchObject({ kind: 'transient', code: 'upload_incomplete' })
})

test('a call is made once, whatever its status: retries are not the SDK’s', async () => {
  await writeSpool(10)
  let calls = 0
  const provider = await providerOf((request, response) => {
    calls += 1
    request.resume()
    response.writeHead(503).end()
  })
  await expect(upload(provider)).rejects.toMatchObject({ kind: 'transient', httpStatus: 503 })
  await expect(provider.retrieve('batch_1', signal)).rejects.toMatchObject({ kind: 'transient', httpStatus: 503 })
  expect(calls).toBe(2)
})

test('a create does not follow a redirect: that would be a second POST', async () => {
  const calls: string[] = []
  const provider = await providerOf((request, response) => {
    calls.push(request.url ?? '')
    request.resume()
    response.writeHead(307, { location: '/elsewhere' }).end()
  })
  const created = provider.create({
    inputFileId: 'file-1',
    endpoint: '/v1/responses',
    model: 'gpt-5',
    displayName: 'x',
    signal,
    beforeSend: () => undefined,
  })
  await expect(created).rejects.toMatchObject({ kind: 'invalid', httpStatus: 307, certainlyNotApplied: false })
  expect(calls).toEqual(['/v1/batches'])
})

test('all files are tried before a failed deletion is reported', async () => {
  const deleted: string[] = []
  const provider = await providerOf((request, response) => {
    deleted.push(request.url ?? '')
    response.writeHead(request.url === '/v1/files/file-1' ? 500 : 404).end()
  })
  await expect(provider.deleteFiles(['file-1', 'file-2'], signal)).rejects.toMatchObject({ httpStatus: 500 })
  expect(deleted).toEqual(['/v1/files/file-1', '/v1/files/file-2'])
})
