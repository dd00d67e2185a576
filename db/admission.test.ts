import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProviderCapacity } from '../core/admission.ts'
import { insertJob, type JobValues } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { laneOf, lockLaneOfBatch, releaseLease, requestAdmission, type Granted } from './admission.ts'
import { pauseJob, resumeJob } from './job-state.ts'
import { batches, leases, tickets } from './schema.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const capacity: ProviderCapacity = { maxInFlightBatches: 3, enqueuedTokens: new Map([['gpt-4o-mini', 250]]) }

/** A job with planned batches of 50 tokens each, at a provider of the test's own. */
async function jobWithBatches(provider: string, count: number, job: JobValues = {}): Promise<string> {
  const jobId = await insertJob(db.database, 0, { provider, ...job })
  for (let batch = 1; batch <= count; batch++) {
    await db.database.drizzle.insert(batches).values({
      jobId,
      batch,
      round: 1,
      shard: batch,
      provider,
      simulated: true,
      model: 'gpt-4o-mini',
      endpoint: '/v1/chat/completions',
      listed: false,
      seqFrom: 1,
      seqTo: 1,
      items: 1,
      bytes: 1,
      tokens: 50,
    })
  }
  return jobId
}

async function release(jobId: string, batch: number, limits = capacity): Promise<Granted[]> {
  return await db.database.drizzle.transaction(async (tx) => {
    await lockLaneOfBatch(tx, jobId, batch)
    return await releaseLease(tx, jobId, batch, limits)
  })
}

async function leasesOf(provider: string): Promise<number> {
  return (
    await db.database.drizzle
      .select()
      .from(leases)
      .where(eq(leases.lane, laneOf(provider, true)))
  ).length
}

test('many asking at once never get more than there is room for', async () => {
  const jobId = await jobWithBatches('crowded', 20)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => requestAdmission(db.database, jobId, index + 1, capacity)),
  )
  expect(await leasesOf('crowded')).toBe(3)
  // A grant of one may be found by the transaction of another, which then names it.
  const granted = answers.filter((answer) => answer.granted).length + answers.flatMap((answer) => answer.others).length
  expect(granted).toBeGreaterThanOrEqual(3)
})

test('enqueued tokens hold back what room alone would let through', async () => {
  const jobId = await jobWithBatches('tokens', 8)
  const wide = { ...capacity, maxInFlightBatches: 100 }
  for (let batch = 1; batch <= 8; batch++) await requestAdmission(db.database, jobId, batch, wide)
  expect(await leasesOf('tokens')).toBe(5)
})

test('a release passes its room on in the same transaction', async () => {
  const jobId = await jobWithBatches('passing', 4)
  for (let batch = 1; batch <= 4; batch++) await requestAdmission(db.database, jobId, batch, capacity)
  expect(await release(jobId, 1)).toEqual([{ jobId, batch: 4 }])
  expect(await release(jobId, 1)).toEqual([])
  expect(await leasesOf('passing')).toBe(3)
  expect(await db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))).toEqual([])
})

test('asking again changes nothing: a lease stays, and a ticket keeps its age', async () => {
  const jobId = await jobWithBatches('again', 4)
  for (let batch = 1; batch <= 4; batch++) await requestAdmission(db.database, jobId, batch, capacity)
  const [before] = await db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))
  expect((await requestAdmission(db.database, jobId, 1, capacity)).granted).toBe(true)
  expect((await requestAdmission(db.database, jobId, 4, capacity)).granted).toBe(false)
  expect(await db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))).toEqual([before])
})

test('a paused job is not in the way of others, and keeps its place', async () => {
  const paused = await jobWithBatches('pausing', 4)
  const other = await jobWithBatches('pausing', 1)
  for (let batch = 1; batch <= 4; batch++) await requestAdmission(db.database, paused, batch, capacity)
  await pauseJob(db.database, paused, 'user', null)
  expect((await requestAdmission(db.database, other, 1, capacity)).granted).toBe(false)
  expect(await release(paused, 1)).toEqual([{ jobId: other, batch: 1 }])
  expect(await release(paused, 2)).toEqual([])
  await resumeJob(db.database, paused)
  expect((await requestAdmission(db.database, paused, 4, capacity)).granted).toBe(true)
})
