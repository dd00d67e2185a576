import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadBatch, updateBatch, type BatchRow } from '../db/batches.ts'
import type { Provider, ProviderBatch } from '../providers/provider.ts'
import { startSimulator, type Simulator } from '../simulator/simulator.ts'
import { activityDependencies } from '../test/activity-dependencies.ts'
import { insertBatch, insertJob } from '../test/job-rows.ts'
import { createTestDatabase, until, type TestDatabase } from '../test/services.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { createPollActivities } from './poll.ts'

let db: TestDatabase
let simulator: Simulator
let directory: string
let dependencies: ActivityDependencies
beforeAll(async () => {
  // Nothing is answered while the test looks.
  ;[db, simulator, directory] = await Promise.all([
    createTestDatabase(),
    startSimulator({ duration_ms: '24h' }),
    mkdtemp(join(tmpdir(), 'batchwright-poll-')),
  ])
  const environment = { BATCHWRIGHT_SIMULATE: 'openai', BATCHWRIGHT_SIMULATOR_URL: simulator.url }
  dependencies = activityDependencies(db.database, environment, directory)
})
afterAll(async () => {
  await simulator.close()
  await rm(directory, { recursive: true, force: true })
  await db.drop()
})

const longAgo = new Date('2026-01-01T00:00:00Z')
const endpoint = '/v1/chat/completions'

/** A batch at the simulator, last seen long ago with these counts. */
async function runningBatch(seen: Partial<BatchRow>): Promise<{ jobId: string; batch: number }> {
  const provider = dependencies.providers.find('openai') as Provider
  const remote = await createRemote(provider)
  // While a batch is validated nothing is known of its requests.
  await until('its counts', async () => (await provider.retrieve(remote.id, AbortSignal.timeout(10_000))).counts !== null)
  const jobId = await insertJob(db.database, 1)
  return await insertBatch(db.database, jobId, 1, {
    status: 'in_progress',
    providerBatchId: remote.id,
    submittedAt: longAgo,
    progressedAt: longAgo,
    ...seen,
  })
}

async function createRemote(provider: Provider): Promise<ProviderBatch> {
  const path = join(directory, 'lines.jsonl')
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hello' }] }
  await writeFile(path, `${JSON.stringify({ custom_id: 'a', method: 'POST', url: endpoint, body })}\n`)
  const signal = AbortSignal.timeout(60_000)
  const { inputFileId } = await provider.upload({ fileName: 'lines.jsonl', path, endpoint, signal })
  return await provider.create({ inputFileId, endpoint, model: 'gpt-4o-mini', displayName: 'poll', signal, beforeSend: () => {} })
}

async function poll(key: { jobId: string; batch: number }): Promise<BatchRow> {
  const activities = createPollActivities(dependencies)
  await new MockActivityEnvironment().run(async () => expect(await activities.poll(key)).toMatchObject({ phase: 'poll' }))
  return await loadBatch(db.database.drizzle, key.jobId, key.batch)
}

test('the time of the last progress moves with the reported counts, and only with them', async () => {
  const key = await runningBatch({ reportedDone: 1, reportedFailed: 0 })
  const moved = await poll(key)
  expect(moved).toMatchObject({ reportedDone: 0, reportedFailed: 0, polls: 1 })
  expect(moved.progressedAt?.getTime()).toBeGreaterThan(longAgo.getTime())

  await updateBatch(db.database.drizzle, key.jobId, key.batch, { progressedAt: longAgo, providerStatus: 'validating' })
  const still = await poll(key)
  expect(still).toMatchObject({ reportedDone: 0, providerStatus: 'in_progress', polls: 2 })
  expect(still.progressedAt).toEqual(longAgo)
})

test('a batch of before that time was kept counts from its creation', async () => {
  const key = await runningBatch({ reportedDone: 0, reportedFailed: 0, progressedAt: null })
  expect((await poll(key)).progressedAt).toEqual(longAgo)
})
