import { GoogleGenAI } from '@google/genai'
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestLine, requestLines, simulatedGeminis, testModel } from '../testing/simulated-gemini.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulator-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('batches in a data directory', () => {
  it('go on after a restart, with the same results, also when their input was deleted meanwhile', async () => {
    const lines = [...requestLines(10), requestLine('failing', 'Hello [[simulate:transient times=1]]')]
    let names: string[] = []
    {
      await using gemini = await simulatedGemini({ data_dir: directory, curve: 'stalled', duration_ms: 10 })
      const file = (await gemini.upload(lines)).name ?? ''
      const created = await gemini.client.batches.create({ model: testModel, src: file })
      const inline = await gemini.client.batches.create({ model: testModel, src: [{ contents: 'Hi', metadata: { key: 'a' } }] })
      names = [created.name ?? '', inline.name ?? '']
      await gemini.wait(names[0], ({ metadata }) => metadata.state === 'BATCH_STATE_RUNNING')
      await gemini.client.files.delete({ name: file })
    }
    await using gemini = await simulatedGemini({ data_dir: directory })
    const operation = await gemini.wait(names[0])
    expect(operation.metadata.batchStats).toEqual({ requestCount: '11', successfulRequestCount: '10', failedRequestCount: '1' })
    expect(await gemini.results(operation)).toHaveLength(11)
    const inline = await gemini.wait(names[1])
    expect(inline.response?.inlinedResponses?.inlinedResponses).toMatchObject([{ metadata: { key: 'a' } }])
    expect(await readdir(join(directory, 'gemini', 'inputs'))).toEqual([])
    expect(await readdir(join(directory, 'gemini', 'files'))).toEqual([`batch-${names[0]?.slice(8)}`])
  })

  it('keep files, results, books, attempts and deletions', async () => {
    const lines = [requestLine('a', 'Hello [[simulate:transient times=2]]'), requestLine('b', 'Hello')]
    let first = ''
    let deleted = ''
    {
      await using gemini = await simulatedGemini({ data_dir: directory })
      first = (await gemini.run(lines)).name
      deleted = (await gemini.run(requestLines(1))).name
      await gemini.client.batches.delete({ name: deleted })
    }
    for (const failed of ['1', undefined]) {
      await using gemini = await simulatedGemini({ data_dir: directory })
      expect(await gemini.results(await gemini.operation(first))).toHaveLength(2)
      expect((await gemini.run(lines)).metadata.batchStats?.failedRequestCount).toBe(failed)
      await expect(gemini.client.batches.get({ name: deleted })).rejects.toMatchObject({ status: 404 })
    }
    await using gemini = await simulatedGemini({ data_dir: directory })
    const books = await gemini.control.books()
    expect(books.batches.map(({ status }) => status)).toEqual(Array(4).fill('BATCH_STATE_SUCCEEDED'))
    expect(books.billed.batch.requests).toBe(1 + 1 + 1 + 2)
    expect(books.create_calls.filter(({ route }) => route === 'files.create')).toHaveLength(4)
    expect((await gemini.client.files.list()).page.filter(({ name }) => name?.startsWith('files/batch-') === false)).toHaveLength(
      4,
    )
  })

  it('finish a cancel that a kill interrupted', async () => {
    let name = ''
    {
      await using gemini = await simulatedGemini({ data_dir: directory, duration_ms: '1h', cancelling_ms: '1h' })
      name = (await gemini.create(requestLines(3))).name ?? ''
      await gemini.client.batches.cancel({ name })
    }
    await using gemini = await simulatedGemini({ data_dir: directory })
    expect((await gemini.wait(name)).metadata.state).toBe('BATCH_STATE_CANCELLED')
  })

  it('have their tokens enqueued again', async () => {
    for (let start = 0; start < 2; start++) {
      await using gemini = await simulatedGemini({ data_dir: directory, duration_ms: '1h' })
      if (start === 0) await gemini.create(requestLines(10))
      await expect
        .poll(async () => Object.values((await gemini.control.books()).load['gemini']?.enqueued_tokens ?? {}))
        .toMatchObject([{ current: 60 }])
    }
  })
})

describe('an upload in a data directory', () => {
  it('goes on where it was', async () => {
    const content = Buffer.alloc(300_000, 'x')
    let address = ''
    {
      await using gemini = await simulatedGemini({ data_dir: directory })
      const headers = { 'x-goog-upload-protocol': 'resumable', 'x-goog-upload-command': 'start' }
      const started = await gemini.call('/upload/v1beta/files', { method: 'POST', headers })
      address = started.headers.get('x-goog-upload-url') ?? ''
      const chunk = { 'x-goog-upload-command': 'upload', 'x-goog-upload-offset': '0' }
      await fetch(address, { method: 'POST', headers: chunk, body: content.subarray(0, 262_144) })
    }
    await using gemini = await simulatedGemini({ data_dir: directory })
    const url = new URL(address)
    url.port = String(gemini.simulator.port)
    const query = await fetch(url, { method: 'POST', headers: { 'x-goog-upload-command': 'query' } })
    expect(query.headers.get('x-goog-upload-size-received')).toBe('262144')
    const headers = { 'x-goog-upload-command': 'upload, finalize', 'x-goog-upload-offset': '262144' }
    const ended = await fetch(url, { method: 'POST', headers, body: content.subarray(262_144) })
    expect(await ended.json()).toMatchObject({ file: { sizeBytes: '300000' } })
  })

  it('drops the half line and the strays of a kill', async () => {
    let name = ''
    {
      await using gemini = await simulatedGemini({ data_dir: directory })
      name = (await gemini.run(requestLines(2))).name
    }
    const own = join(directory, 'gemini')
    await appendFile(join(own, 'journal.jsonl'), '{"type":"batch_created","ba')
    for (const stray of ['files/half.part', 'files/stray', 'inputs/stray.jsonl', 'results/stray.jsonl'])
      await writeFile(join(own, stray), 'x')
    await using gemini = await simulatedGemini({ data_dir: directory })
    expect((await gemini.client.batches.list()).page.map((batch) => batch.name)).toEqual([name])
    expect(await gemini.results(await gemini.operation(name))).toHaveLength(2)
    expect(await readdir(join(own, 'files'))).toHaveLength(2)
    expect([...(await readdir(join(own, 'inputs'))), ...(await readdir(join(own, 'results')))]).toEqual([])
  })
})
