import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadBatch } from '../db/batches.ts'
import { loadJob, pauseJob } from '../db/job-state.ts'
import { leases, tickets } from '../db/schema.ts'
import { activityDependencies } from '../test/activity-dependencies.ts'
import { insertBatch, insertJob } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { createAdmitActivities } from './admit.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { backToAdmission } from './room.ts'

let db: TestDatabase
let withKey: ActivityDependencies
let withoutKey: ActivityDependencies
beforeAll(async () => {
  db = await createTestDatabase()
  withKey = activityDependencies(db.database, { OPENAI_API_KEY: 'sk-test' })
  withoutKey = activityDependencies(db.database, {})
})
afterAll(() => db.drop())

/** A real job with one planned batch. */
async function plannedBatch(): Promise<{ jobId: string; batch: number }> {
  const simulated = false
  return await insertBatch(db.database, await insertJob(db.database, 1, { simulated }), 1, { simulated })
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
  expect(await createAdmitActivities(activityDependencies(db.database, environment)).admit(key)).toMatchObject({
    phase: 'admit',
    waitMs: null,
  })
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
