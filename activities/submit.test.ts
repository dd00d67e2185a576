import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { Connection, WorkflowClient } from '@temporalio/client'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { loadBatch, updateBatch } from '../db/batches.ts'
import { batches, leases } from '../db/schema.ts'
import { closeSubmission, intendSubmission } from '../db/submissions.ts'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { simulatorControl, startSimulator, type Simulator } from '../simulator/simulator.ts'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { providerSettings } from '../worker/provider-settings.ts'
import type { BatchKey } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { createSubmitActivities } from './submit.ts'

let db: TestDatabase
let simulator: Simulator
let spoolDirectory: string
beforeAll(async () => {
  ;[db, simulator, spoolDirectory] = await Promise.all([
    createTestDatabase(),
    startSimulator({}),
    mkdtemp(join(tmpdir(), 'batchwright-test-submit-')),
  ])
})
afterAll(async () => {
  await simulator.close()
  await db.drop()
  await rm(spoolDirectory, { recursive: true, force: true })
})

/** One upload of a batch, with what happens before it is recorded. */
async function upload(key: BatchKey, reach: ActivityDependencies['reach'] = () => {}): Promise<void> {
  const environment = { BATCHWRIGHT_SIMULATE: 'openai', BATCHWRIGHT_SIMULATOR_URL: simulator.url }
  const config = loadConfig({ directory: spoolDirectory, environment })
  const activities = createSubmitActivities({
    database: db.database,
    providers: createProviderRegistry(providerSettings(config), loadCatalog(config.models)),
    workflows: new WorkflowClient({ connection: Connection.lazy() }),
    settings: { ...activitySettings(config), spoolDirectory, searchAttributes: false },
    logger: { info() {}, warn() {}, error() {} },
    reach,
  })
  expect(await new MockActivityEnvironment().run(() => activities.upload(key))).toMatchObject({ phase: 'submit' })
}

async function plannedBatch(): Promise<BatchKey> {
  const jobId = await insertJob(db.database, 2)
  await db.database.drizzle.insert(batches).values({
    jobId,
    batch: 1,
    round: 1,
    shard: 1,
    provider: 'openai',
    simulated: true,
    model: 'gpt-4o-mini',
    endpoint: '/v1/chat/completions',
    listed: false,
    seqFrom: 1,
    seqTo: 2,
    items: 2,
    bytes: 200,
    tokens: 20,
  })
  await db.database.drizzle
    .insert(leases)
    .values({ jobId, batch: 1, lane: 'openai (simulated)', model: 'gpt-4o-mini', tokens: 20 })
  return { jobId, batch: 1 }
}

/** The files at the provider that were uploaded for this job, and the batch's own. */
async function filesOf({ jobId, batch }: BatchKey): Promise<{ own: string | null; left: string[] }> {
  const { files } = await simulatorControl(simulator.url).books()
  const { inputFileId } = await loadBatch(db.database.drizzle, jobId, batch)
  return { own: inputFileId, left: files.filter(({ filename }) => filename.includes(jobId)).map(({ id }) => id) }
}

test('a file that was uploaded and never sent goes when another one takes its place', async () => {
  const key = await plannedBatch()
  await upload(key)
  const first = await filesOf(key)
  expect(first.left).toEqual([first.own])
  await updateBatch(db.database.drizzle, key.jobId, key.batch, { status: 'planned' })
  await upload(key)
  const second = await filesOf(key)
  expect(second.own).not.toBe(first.own)
  expect(second.left).toEqual([second.own])
})

test('a file that a submission refers to stays, whatever became of that', async () => {
  const key = await plannedBatch()
  await upload(key)
  const first = await filesOf(key)
  const batch = await loadBatch(db.database.drizzle, key.jobId, key.batch)
  const submission = await intendSubmission(db.database.drizzle, batch, 60_000)
  await closeSubmission(db.database.drizzle, submission?.id ?? 0, 'intended', 'absent', null)
  await updateBatch(db.database.drizzle, key.jobId, key.batch, { status: 'planned' })
  await upload(key)
  const second = await filesOf(key)
  expect(new Set(second.left)).toEqual(new Set([first.own, second.own]))
})

test('an upload whose room was given to others meanwhile does not count, and takes its file away', async () => {
  const key = await plannedBatch()
  await upload(key, async () => void (await db.database.drizzle.delete(leases).where(eq(leases.jobId, key.jobId))))
  expect(await loadBatch(db.database.drizzle, key.jobId, 1)).toMatchObject({ status: 'planned', inputFileId: null })
  expect(await filesOf(key)).toEqual({ own: null, left: [] })
})

test('of two tries that upload at the same time, the slower one takes its own file away', async () => {
  const key = await plannedBatch()
  let isFirst = true
  await upload(key, async () => {
    if (!isFirst) return
    isFirst = false
    await upload(key)
  })
  const { own, left } = await filesOf(key)
  expect(left).toEqual([own])
})
