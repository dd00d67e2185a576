import Anthropic from '@anthropic-ai/sdk'
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchRequest, batchRequests, simulatedWorkspaces } from '../testing/simulated-workspace.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulator-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('message batches in a data directory', () => {
  it('go on after a restart, with the same results', async () => {
    const requests = [...batchRequests(10), batchRequest('failing', 'Hello [[simulate:transient times=1]]')]
    let id = ''
    {
      await using workspace = await simulatedWorkspace({ data_dir: directory, curve: 'stalled', duration_ms: 10 })
      id = (await workspace.create(requests)).id
      await workspace.waitForFinished(6)
    }
    await using workspace = await simulatedWorkspace({ data_dir: directory })
    expect((await workspace.wait(id)).request_counts).toEqual({
      processing: 0,
      succeeded: 10,
      errored: 1,
      canceled: 0,
      expired: 0,
    })
    expect(await workspace.results(id)).toHaveLength(11)
    expect(await readdir(join(directory, 'anthropic', 'inputs'))).toEqual([])
  })

  it('keep results, books, attempts and deletions', async () => {
    const requests = [batchRequest('a', 'Hello [[simulate:transient times=2]]'), batchRequest('b', 'Hello')]
    let first = ''
    let deleted = ''
    {
      await using workspace = await simulatedWorkspace({ data_dir: directory })
      first = (await workspace.run(requests)).id
      deleted = (await workspace.run([batchRequest('c', 'Hello')])).id
      await workspace.client.messages.batches.delete(deleted)
    }
    for (const errored of [1, 0]) {
      await using workspace = await simulatedWorkspace({ data_dir: directory })
      expect(await workspace.results(first)).toHaveLength(2)
      expect((await workspace.run(requests)).request_counts.errored).toBe(errored)
      await expect(workspace.client.messages.batches.retrieve(deleted)).rejects.toMatchObject({ status: 404 })
    }
    await using workspace = await simulatedWorkspace({ data_dir: directory })
    const books = await workspace.control.books()
    expect(books.batches.map(({ status }) => status)).toEqual(Array(4).fill('ended'))
    expect(books.billed.batch.requests).toBe(1 + 1 + 1 + 2)
    expect(books.create_calls).toHaveLength(4)
  })

  it('finish a cancel that a kill interrupted', async () => {
    let id = ''
    {
      await using workspace = await simulatedWorkspace({
        data_dir: directory,
        curve: 'stalled',
        duration_ms: 10,
        cancelling_ms: 60_000,
      })
      id = (await workspace.create(batchRequests(10))).id
      await workspace.waitForFinished(6)
      await workspace.client.messages.batches.cancel(id)
    }
    await using workspace = await simulatedWorkspace({ data_dir: directory })
    expect((await workspace.wait(id)).request_counts).toMatchObject({ succeeded: 6, canceled: 4 })
    expect(await workspace.results(id)).toHaveLength(10)
  })

  it('drop the half line and the half body of a kill', async () => {
    let id = ''
    {
      await using workspace = await simulatedWorkspace({ data_dir: directory })
      id = (await workspace.run(batchRequests(2))).id
    }
    const own = join(directory, 'anthropic')
    await appendFile(join(own, 'journal.jsonl'), '{"type":"batch_created","ba')
    await writeFile(join(own, 'inputs', 'msgbatch_half.jsonl.part'), 'x')
    await writeFile(join(own, 'inputs', 'msgbatch_unrecorded.jsonl'), 'x')
    await using workspace = await simulatedWorkspace({ data_dir: directory })
    expect((await workspace.client.messages.batches.list()).data.map((batch) => batch.id)).toEqual([id])
    expect(await readdir(join(own, 'inputs'))).toEqual([])
  })

  it('need a whole body: what a client that went away had sent is dropped', async () => {
    await using workspace = await simulatedWorkspace({ data_dir: directory })
    const inputs = join(directory, 'anthropic', 'inputs')
    const upload = new AbortController()
    const half = (async function* () {
      yield Buffer.from(JSON.stringify({ requests: batchRequests(3) }).slice(0, -20))
      await new Promise((resolve) => upload.signal.addEventListener('abort', resolve))
    })()
    const created = workspace.client.post('/v1/messages/batches', { body: half, signal: upload.signal })
    const outcome = created.then(
      () => 'created',
      () => 'gone',
    )
    await expect.poll(() => readdir(inputs)).toHaveLength(1)
    upload.abort()
    expect(await outcome).toBe('gone')
    await expect.poll(() => readdir(inputs)).toEqual([])
    expect((await workspace.client.messages.batches.list()).data).toEqual([])
    expect((await workspace.control.books()).create_calls).toMatchObject([{ applied: false, answered: false }])
  })
})
