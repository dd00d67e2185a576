import { eq } from 'drizzle-orm'
import { Connection, WorkflowClient } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { loadBatch } from '../db/batches.ts'
import { loadJob, pauseJob } from '../db/job-state.ts'
import { batches, leases, tickets } from '../db/schema.ts'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { providerSettings } from '../worker/provider-settings.ts'
import { createAdmitActivities } from './admit.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { backToAdmission } from './room.ts'

let db: TestDatabase
let withKey: ActivityDependencies
let withoutKey: ActivityDependencies
beforeAll(async () => {
  db = await createTestDatabase()
  withKey = dependencies({ OPENAI_API_KEY: 'sk-test' })
  withoutKey = dependencies({})
})
afterAll(() => db.drop())

const quiet = { info() {}, warn() {}, error() {} }

/** What a worker in this environment gives its activities. No workflow is told anything: nobody else waits. */
function dependencies(environment: Record<string, string>): ActivityDependencies {
  const config = loadConfig({ directory: '/nowhere', environment })
  return {
    database: db.database,
    providers: createProviderRegistry(providerSettings(config), loadCatalog(config.models)),
    workflows: new WorkflowClient({ connection: Connection.lazy() }),
    settings: { ...activitySettings(config), searchAttributes: false },
    logger: quiet,
    reach: () => {},
  }
}

/** A real job with one planned batch. */
async function plannedBatch(): Promise<{ jobId: string; batch: number }> {
  const jobId = await insertJob(db.database, 1, { simulated: false })
  await db.database.drizzle.insert(batches).values({
    jobId,
    batch: 1,
    round: 1,
    shard: 1,
    provider: 'openai',
    simulated: false,
    model: 'gpt-4o-mini',
    endpoint: '/v1/chat/completions',
    listed: false,
    seqFrom: 1,
    seqTo: 1,
    items: 1,
    bytes: 1,
    tokens: 1,
  })
  return { jobId, batch: 1 }
}

const leasesOf = (jobId: string) => db.database.drizzle.select().from(leases).where(eq(leases.jobId, jobId))
const ticketsOf = (jobId: string) => db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))

test('a worker that can send a batch gives it room', async () => {
  const key = await plannedBatch()
  expect(await createAdmitActivities(withKey).admit(key)).toMatchObject({ phase: 'upload' })
  expect(await leasesOf(key.jobId)).toHaveLength(1)
})

test.each([
  ['without its key', {}],
  ['with the simulated one', { BATCHWRIGHT_SIMULATE: 'openai', BATCHWRIGHT_SIMULATOR_URL: 'http://127.0.0.1:9' }],
])('a worker %s decides nothing about room: the job pauses', async (_, environment: Record<string, string>) => {
  const key = await plannedBatch()
  expect(await createAdmitActivities(dependencies(environment)).admit(key)).toMatchObject({ phase: 'admit', waitMs: null })
  expect(await loadJob(db.database.drizzle, key.jobId)).toMatchObject({ status: 'paused', pauseReason: 'provider_unconfigured' })
  expect(await leasesOf(key.jobId)).toEqual([])
  expect(await ticketsOf(key.jobId)).toEqual([])
})

test('a worker knows the room of the providers that it has a key for, and of no others', () => {
  expect(withKey.settings.capacity('openai')).toEqual({ maxInFlightBatches: 50, enqueuedTokens: new Map() })
  expect(withoutKey.settings.capacity('openai')).toBeNull()
  expect(withKey.settings.capacity('another')).toBeNull()
})

test('the room of a paused job is free, whichever worker gives it back, and its place is kept', async () => {
  const key = await plannedBatch()
  await createAdmitActivities(withKey).admit(key)
  const [lease] = await leasesOf(key.jobId)
  await pauseJob(db.database, key.jobId, 'user', null)
  expect(await createAdmitActivities(withoutKey).admit(key)).toMatchObject({ phase: 'admit', waitMs: null })
  expect(await leasesOf(key.jobId)).toEqual([])
  expect(await ticketsOf(key.jobId)).toMatchObject([{ batch: 1, createdAt: lease?.createdAt }])
})

test('a batch that the provider did not take waits with its age, until its job is paused and resumed by a person', async () => {
  const key = await plannedBatch()
  await createAdmitActivities(withKey).admit(key)
  const batch = await loadBatch(db.database.drizzle, key.jobId, 1)
  const [lease] = await leasesOf(key.jobId)
  await backToAdmission(withKey, batch, 'token_limit_exceeded', 'Enqueued token limit reached')
  const [refused] = await ticketsOf(key.jobId)
  expect(refused).toMatchObject({ createdAt: lease?.createdAt })
  expect(refused?.notBefore.getTime()).toBeGreaterThan(Date.now())
  const waiting = await createAdmitActivities(withKey).admit(key)
  expect(waiting.phase).toBe('admit')
  expect(waiting.waitMs).toBeGreaterThan(0)
  await pauseJob(db.database, key.jobId, 'user', null)
  await createAdmitActivities(withKey).admit(key)
  const [paused] = await ticketsOf(key.jobId)
  expect(paused).toMatchObject({ createdAt: lease?.createdAt })
  expect(paused?.notBefore.getTime()).toBeLessThanOrEqual(Date.now())
})
