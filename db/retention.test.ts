import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { insertBatch, insertJob, judged, type JobValues } from '../test/job-rows.ts'
import { createTestDatabase, until, type TestDatabase } from '../test/services.ts'
import { loadBatch } from './batches.ts'
import { closeItems, finalizeJob, reopenItems } from './finalize.ts'
import { markFinalizing } from './job-state.ts'
import { deleteEndedJobs, finishDeletions } from './job-deletion.ts'
import { mergeResults } from './outcomes.ts'
import { batches, events, items, jobs, ledger, outcomes } from './schema.ts'

const dayMs = 86_400_000

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(() => db.database.drizzle.delete(jobs))

const daysAgo = (days: number) => new Date(Date.now() - days * dayMs)
const deleteOld = (rows = 1_000_000) => deleteEndedJobs(db.database, 30 * dayMs, { rows })

/** A job that ended so long ago, and began a day before. */
async function insertEnded(days: number, count = 3, change: JobValues = {}): Promise<string> {
  return await insertJob(db.database, count, {
    status: 'completed',
    createdAt: daysAgo(days + 1),
    endedAt: daysAgo(days),
    ...change,
  })
}

async function jobIds(): Promise<string[]> {
  return (await db.database.drizzle.select({ id: jobs.id }).from(jobs)).map(({ id }) => id)
}

async function countItems(jobId: string): Promise<number> {
  return (await db.database.drizzle.select({ seq: items.seq }).from(items).where(eq(items.jobId, jobId))).length
}

test('a job that ended before the time goes with all its rows, and what it cost stays', async () => {
  const { drizzle } = db.database
  const jobId = await insertJob(db.database, 3, { createdAt: daysAgo(40), idempotencyKey: 'key' })
  await insertBatch(db.database, jobId, 3, { status: 'fetching', providerBatchId: 'batch_1', attempt: 1 })
  await mergeResults(db.database, await loadBatch(drizzle, jobId, 1), [judged(1), judged(2), judged(3)])
  await drizzle.update(batches).set({ status: 'ended' }).where(eq(batches.jobId, jobId))
  await drizzle
    .insert(ledger)
    .values({ jobId, batch: 1, attempt: 1, kind: 'actual', amountNanos: 21n, simulated: true, providerBatchId: 'batch_1' })
  await markFinalizing(db.database, jobId, 0)
  await closeItems(db.database, jobId)
  await finalizeJob(db.database, jobId)
  await drizzle.update(jobs).set({ endedAt: daysAgo(31) })
  expect(await deleteOld()).toBe(1)
  for (const table of [jobs, items, outcomes, batches, events]) expect(await drizzle.select().from(table)).toEqual([])
  expect(await drizzle.select().from(ledger)).toMatchObject([{ jobId, amountNanos: 21n }])
})

test('nothing else goes: neither what ended later nor what has not ended, whatever its age', async () => {
  const old = [
    await insertEnded(31),
    await insertEnded(400, 1, { status: 'failed' }),
    await insertEnded(31, 1, { status: 'cancelled' }),
  ]
  const kept = [
    await insertEnded(29),
    await insertEnded(1, 1, { createdAt: daysAgo(300) }),
    await insertEnded(40, 1, { status: 'in_progress', endedAt: null }),
    await insertEnded(40, 1, { status: 'paused', pauseReason: 'auth', endedAt: null }),
    // A time that was left over, as no code of ours leaves it.
    await insertEnded(40, 1, { status: 'cancelling' }),
    await insertEnded(40, 1, { status: 'finalizing' }),
    await insertEnded(40, 1, { status: 'validating', endedAt: null }),
    await insertEnded(40, 1, { status: 'queued', endedAt: null }),
  ]
  const orphan = await insertEnded(40, 1, { status: 'failed' })
  await insertBatch(db.database, orphan, 1, { status: 'in_progress' })
  expect(await deleteOld()).toBe(old.length)
  expect((await jobIds()).toSorted()).toEqual([...kept, orphan].toSorted())
  await db.database.drizzle.update(batches).set({ status: 'ended' }).where(eq(batches.jobId, orphan))
  expect(await deleteOld()).toBe(1)
})

test('a job that is being opened again is left alone, and so it is when it is open', async () => {
  const jobId = await insertEnded(40, 2, { failed: 2 })
  await db.database.drizzle
    .insert(outcomes)
    .values([1, 2].map((seq) => ({ jobId, seq, status: 'failed' as const, batch: 1, round: 1, attempts: 1 })))
  const blocker = await db.database.sql.reserve()
  try {
    // What opens it holds its row, and waits for an item.
    await blocker`begin`
    await blocker`select 1 from outcomes where job_id = ${jobId} for update`
    const opening = reopenItems(db.database, jobId, null, 'request')
    await until('the job to be held', async () => {
      const free = await db.database.sql`select 1 from jobs where id = ${jobId} for update skip locked`
      return free.length === 0
    })
    expect(await deleteOld()).toBe(0)
    await blocker`commit`
    expect(await opening).toBe(2)
  } finally {
    blocker.release()
  }
  expect(await deleteOld()).toBe(0)
  expect(await jobIds()).toEqual([jobId])
  expect(await countItems(jobId)).toBe(2)
})

test('of a retry and a deletion at once one wins, and nothing is left in between', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const id = await insertEnded(40, 2, { failed: 2 })
      await db.database.drizzle
        .insert(outcomes)
        .values([1, 2].map((seq) => ({ jobId: id, seq, status: 'failed' as const, batch: 1, round: 1, attempts: 1 })))
      return id
    }),
  )
  const opening = ids.toReversed().map((id) =>
    reopenItems(db.database, id, null, 'request').then(
      () => id,
      (error: { code?: string }) => (error.code === 'job_not_found' ? null : Promise.reject(error as Error)),
    ),
  )
  const [deleted, ...opened] = await Promise.all([deleteOld(), ...opening])
  const kept = opened.filter((id) => id !== null)
  expect(kept.length + deleted).toBe(ids.length)
  expect((await jobIds()).toSorted()).toEqual(kept.toSorted())
  for (const id of ids) expect(await countItems(id), id).toBe(kept.includes(id) ? 2 : 0)
})

test('a large job goes over several sweeps, each within its budget, and is gone for everybody from the first on', async () => {
  const jobId = await insertEnded(40, 25_000)
  const second = await insertEnded(35)
  expect(await deleteOld(10_000)).toBe(1)
  expect(await countItems(jobId)).toBe(15_000)
  expect(
    await db.database.drizzle
      .select({ id: jobs.id })
      .from(jobs)
      .where(sql`deleted_at is null`),
  ).toEqual([{ id: second }])
  // Of the next sweeps, a minute later.
  await db.database.drizzle
    .update(jobs)
    .set({ deletedAt: sql`now() - interval '2 minutes'` })
    .where(eq(jobs.id, jobId))
  const budget = { rows: 10_000 }
  expect(await finishDeletions(db.database, budget)).toBe(0)
  expect(await countItems(jobId)).toBe(5000)
  expect(await deleteEndedJobs(db.database, 30 * dayMs, budget)).toBe(0)
  expect(await finishDeletions(db.database, { rows: 10_000 })).toBe(1)
  expect(await jobIds()).toEqual([second])
})
