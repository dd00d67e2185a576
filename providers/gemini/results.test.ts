import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import type { Provider, ProviderBatch } from '../provider.ts'
import { toProviderBatch } from './batch-object.ts'
import { answerJson, batchOperation, startLocalServer } from './local-server.ts'

const signal = AbortSignal.timeout(10 * 60_000)
let server: Awaited<ReturnType<typeof startLocalServer>> | undefined
afterEach(() => server?.close())

const response = { candidates: [{ content: { parts: [{ text: 'x' }] }, finishReason: 'STOP' }] }
const line = (number: number): string => `${JSON.stringify({ key: `tok-${number}`, response })}\n`
const lines = (count: number): string => Array.from({ length: count }, (_, index) => line(index + 1)).join('')
const fileId = `files/batch-${'x'.repeat(36)}`

/** A batch of three that has ended, and a server that answers for its results. */
async function start(listener: RequestListener, metadata: Record<string, unknown> = { output: { responsesFile: fileId } }) {
  server = await startLocalServer(listener)
  const now = new Date().toISOString()
  const ended = batchOperation({ state: 'BATCH_STATE_SUCCEEDED', endTime: now, ...metadata }, { done: true })
  return { provider: server.provider, batch: toProviderBatch(ended, 'batch', 1000), ended }
}

const read = (provider: Provider, batch: ProviderBatch) =>
  Array.fromAsync(provider.results(batch, signal), (result) => result.itemId)

const longAgo = (batch: ProviderBatch): ProviderBatch => ({ ...batch, endedAt: new Date(Date.now() - 3_600_000) })

test('every line of the file comes, with its length asked for', async () => {
  let url: string | undefined
  let encoding: string | undefined
  const { provider, batch } = await start((request, answer) => {
    url = request.url
    encoding = request.headers['accept-encoding']
    answer.writeHead(200, { 'content-length': Buffer.byteLength(lines(3)) }).end(lines(3))
  })
  expect(await read(provider, batch)).toEqual(['tok-1', 'tok-2', 'tok-3'])
  expect(url).toBe(`/gemini/v1beta/${fileId}:download?alt=media`)
  expect(encoding).toBe('identity')
})

test('without a length, fewer lines than requests are incomplete while another reading has more', async () => {
  let calls = 0
  const { provider, batch } = await start((_, answer) => {
    calls += 1
    answer.write(lines(calls < 3 ? 2 : 3))
    answer.end()
  })
  await expect(read(provider, longAgo(batch))).rejects.toMatchObject({
    kind: 'incomplete',
    message: expect.stringContaining('2 of 3 lines'),
  })
  expect(await read(provider, batch)).toHaveLength(3)
})

test('lines that are missing in three readings are missing', async () => {
  let calls = 0
  const { provider, batch } = await start((_, answer) => {
    calls += 1
    answer.write(lines(2))
    answer.end()
  })
  // Soon after the end of their batch they may still be written.
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'incomplete' })
  expect(calls).toBe(1)
  expect(await read(provider, longAgo(batch))).toHaveLength(2)
  expect(calls).toBe(4)
})

test('of a compressed answer the lines are counted', async () => {
  const { provider, batch } = await start((_, answer) =>
    answer.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(lines(3))),
  )
  expect(await read(provider, batch)).toHaveLength(3)
})

test('with its length the file is believed, not the counts', async () => {
  const { provider, batch } = await start((_, answer) =>
    answer.writeHead(200, { 'content-length': Buffer.byteLength(lines(2)) }).end(lines(2)),
  )
  expect(await read(provider, batch)).toHaveLength(2)
})

test('a download that breaks off is incomplete, however slow it may be', async () => {
  const { provider, batch } = await start((_, answer) => {
    answer.writeHead(200, { 'content-length': 10_000 }).write(lines(2), () => answer.destroy())
  })
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'incomplete' })
})

test('answers that are in the batch itself are read from it, as it is then', async () => {
  const inlinedResponses = [
    { metadata: { key: 'tok-2' }, response },
    { metadata: { key: 'tok-1' }, error: { code: 13, message: 'oops' } },
  ]
  const output = { inlinedResponses: { inlinedResponses } }
  const started = await start((_, answer) => answerJson(answer, started.ended), { output })
  const results = await Array.fromAsync(started.provider.results(started.batch, signal))
  expect(results.map(({ itemId, answer }) => [itemId, answer.error?.class ?? null])).toEqual([
    ['tok-2', null],
    ['tok-1', 'transient'],
  ])
})

test('a batch that is cut is not taken for one with fewer answers', async () => {
  const output = { inlinedResponses: { inlinedResponses: [{ metadata: { key: 'tok-1' }, response }] } }
  const started = await start((_, answer) => answer.end(JSON.stringify(started.ended).slice(0, -20)), { output })
  await expect(read(started.provider, started.batch)).rejects.toMatchObject({ kind: 'transient' })
})

test('a batch that expired has nothing, one that is complete and names no results lost them', async () => {
  const started = await start((_, answer) => answerJson(answer, started.ended), {})
  const { provider, batch } = started
  expect(await read(provider, { ...batch, status: 'expired' })).toEqual([])
  expect(await read(provider, { ...batch, status: 'cancelled' })).toEqual([])
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'transient', code: 'file_not_ready' })
  await expect(read(provider, { ...batch, endedAt: new Date(0) })).rejects.toMatchObject({ kind: 'not_found' })
})

test('a file that is not there yet is transient, one that is gone is not found', async () => {
  const message = `You do not have permission to access the File ${fileId} or it may not exist.`
  const { provider, batch } = await start((_, answer) =>
    answerJson(answer, { error: { code: 403, message, status: 'PERMISSION_DENIED' } }, 403),
  )
  await expect(read(provider, batch)).rejects.toMatchObject({ kind: 'transient', code: 'file_not_ready' })
  await expect(read(provider, { ...batch, endedAt: new Date(0) })).rejects.toMatchObject({ kind: 'not_found' })
})
