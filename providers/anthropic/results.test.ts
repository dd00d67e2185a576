import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import type { ProviderBatch, Provider } from '../provider.ts'
import { toProviderBatch } from './batch-object.ts'
import { messageBatch, startLocalServer } from './local-server.ts'

const signal = AbortSignal.timeout(10 * 60_000)
let server: Awaited<ReturnType<typeof startLocalServer>> | undefined
afterEach(() => server?.close())

const line = (number: number): string =>
  `${JSON.stringify({ custom_id: `tok-${number}`, result: { type: 'succeeded', message: { content: [{ type: 'text', text: 'x' }] } } })}\n`
const lines = (count: number): string => Array.from({ length: count }, (_, index) => line(index + 1)).join('')

/** A batch of three that has ended, and a server that answers for its results. */
async function start(listener: RequestListener): Promise<{ provider: Provider; batch: ProviderBatch }> {
  server = await startLocalServer(listener)
  const ended = { processing_status: 'ended', ended_at: new Date().toISOString(), request_counts: { succeeded: 3 } }
  const batch = messageBatch({ ...ended, results_url: `${server.url}/v1/messages/batches/msgbatch_1/results` })
  return { provider: server.provider, batch: toProviderBatch(batch, 'batch') }
}

const read = (provider: Provider, batch: ProviderBatch) =>
  Array.fromAsync(provider.results(batch, signal), (result) => result.itemId)

const longAgo = (batch: ProviderBatch): ProviderBatch => ({ ...batch, endedAt: new Date(Date.now() - 3_600_000) })

test('every line comes, with the key and without the SDK’s decoder', async () => {
  let authorization: string | undefined
  const { provider, batch } = await start((request, response) => {
    authorization = request.headers.authorization
    response.end(lines(3))
  })
  expect(await read(provider, batch)).toEqual(['tok-1', 'tok-2', 'tok-3'])
  expect(authorization).toBe('Bearer sk-local')
})

test('without a length, fewer lines than requests are incomplete while another reading has more', async () => {
  let calls = 0
  const { provider, batch } = await start((_, response) => {
    calls += 1
    response.write(lines(calls < 3 ? 2 : 3))
    response.end()
  })
  await expect(read(provider, longAgo(batch))).rejects.toMatchObject({
    kind: 'incomplete',
    message: expect.stringContaining('2 of 3 lines'),
  })
  expect(await read(provider, batch)).toHaveLength(3)
})

test('lines that are missing in three readings are missing', async () => {
  let calls = 0
  const { provider, batch } = await start((_, response) => {
    calls += 1
    response.write(lines(2))
    response.end()
  })
  // Soon after the end of their batch they may still be written.
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'incomplete' })
  expect(calls).toBe(1)
  expect(await read(provider, longAgo(batch))).toHaveLength(2)
  expect(calls).toBe(4)
})

test('a compressed answer is counted by its lines', async () => {
  const { provider, batch } = await start((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(lines(3)))
  })
  expect(await read(provider, batch)).toHaveLength(3)
})

test('with its length the file is believed, not the counts', async () => {
  const { provider, batch } = await start((_, response) => {
    const body = lines(2)
    response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body)
  })
  expect(await read(provider, batch)).toHaveLength(2)
})

test('a download that breaks off is incomplete', async () => {
  const { provider, batch } = await start((_, response) => {
    response.writeHead(200, { 'content-length': 10_000 }).write(lines(2), () => response.destroy())
  })
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'incomplete' })
})

test('an end in the middle of a line is incomplete, however many lines there were', async () => {
  const { provider, batch } = await start((_, response) => {
    response.write(lines(3))
    response.end('{"custom_id": "tok-4", "res')
  })
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'incomplete' })
})

test('the key goes to no other address than the configured one', async () => {
  const asked: string[] = []
  const { provider, batch } = await start((request, response) => {
    asked.push(request.url ?? '')
    response.end(lines(3))
  })
  const elsewhere = { ...batch, resultFileIds: ['https://elsewhere.invalid/results'] }
  expect(await read(provider, elsewhere)).toHaveLength(3)
  expect(asked).toEqual(['/v1/messages/batches/msgbatch_1/results'])
})

test('results that are not there yet are transient; those that are gone are not found, and not empty', async () => {
  const { provider, batch } = await start((_, response) => response.writeHead(404).end())
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'transient', code: 'file_not_ready' })
  const old = { ...batch, endedAt: new Date(Date.now() - 30 * 86_400_000) }
  await expect(read(provider, old)).rejects.toMatchObject({ kind: 'not_found' })
  await expect(read(provider, { ...old, resultFileIds: [] })).rejects.toMatchObject({ kind: 'not_found' })
})
