import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, until, type TestDatabase } from '../test/services.ts'
import { reopenItems } from './finalize.ts'
import { loadJob } from './job-state.ts'
import { deleteJob, finishDeletions } from './job-deletion.ts'
import { listJobs } from './jobs.ts'
import { items, jobs, submissions } from './schema.ts'
import { listPossibleTwins } from './submissions.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

test('a deletion that broke off can not be retried into paying again: the job is gone, and the janitor takes its rows', async () => {
  const jobId = await insertJob(db.database, 5, { status: 'completed', failed: 5 })
  // As a process leaves it that dies after the first step.
  await db.database.drizzle
    .update(jobs)
    .set({ deletedAt: sql`now() - interval '2 minutes'` })
    .where(eq(jobs.id, jobId))
  await expect(reopenItems(db.database, jobId, null, 'request 1')).rejects.toMatchObject({ code: 'job_not_found' })
  await expect(loadJob(db.database.drizzle, jobId)).rejects.toMatchObject({ code: 'job_not_found' })
  expect(await listJobs(db.database, {}, null, 10)).toEqual([])
  expect(await finishDeletions(db.database, { rows: 100 })).toBe(1)
  expect(await db.database.drizzle.select().from(items).where(eq(items.jobId, jobId))).toEqual([])
  expect(await db.database.drizzle.select().from(jobs)).toEqual([])
})

test('a job that is not over is not deleted', async () => {
  const jobId = await insertJob(db.database, 1)
  await expect(deleteJob(db.database, jobId)).rejects.toMatchObject({ code: 'job_not_finished' })
})

test('of a deleted job those submissions stay whose batch may still turn up at the provider', async () => {
  const jobId = await insertJob(db.database, 1, { status: 'completed' })
  const common = {
    jobId,
    attempt: 1,
    provider: 'openai',
    simulated: true,
    token: 'aaaaaaaaaaaaaaaa',
    requestHash: 'hash',
    keyFingerprint: 'fingerprint',
    sendDeadline: new Date(),
  }
  await db.database.drizzle.insert(submissions).values([
    { ...common, batch: 1, state: 'absent' },
    { ...common, batch: 2, state: 'absent', providerBatchId: 'batch_twin' },
    { ...common, batch: 3, state: 'abandoned' },
    // Its batch is known, and has failed.
    { ...common, batch: 4, state: 'abandoned', providerBatchId: 'batch_refused' },
    { ...common, batch: 5, state: 'created', providerBatchId: 'batch_own' },
    { ...common, batch: 6, state: 'not_created' },
  ])
  const followed = async () => (await listPossibleTwins(db.database, 'openai', true)).map(({ submission }) => submission.batch)
  expect(await followed()).toEqual([3, 2, 1])
  await deleteJob(db.database, jobId)
  expect(await followed()).toEqual([3, 2, 1])
  const left = await db.database.drizzle.select().from(submissions).where(eq(submissions.jobId, jobId))
  expect(left).toHaveLength(3)
})

test('two that delete the same job at once leave none of its rows without it', async () => {
  const jobId = await insertJob(db.database, 12_000, { status: 'completed', deletedAt: new Date(Date.now() - 120_000) })
  const left = async () => {
    const [row] = await db.database.sql<[{ items: number; jobs: number }]>`
      select (select count(*)::int from items where job_id = ${jobId}) as items, (select count(*)::int from jobs where id = ${jobId}) as jobs`
    return { ...row }
  }
  let other: Promise<number> | undefined
  await db.database.sql.begin(async (tx) => {
    await tx`delete from items where ctid = any(array(select ctid from items where job_id = ${jobId} limit 10000))`
    other = finishDeletions(db.database, { rows: 1_000_000 })
    await until('the other one to wait for this page', async () => {
      const waiting = await db.database
        .sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%delete from "items"%'`
      return waiting.length > 0
    })
  })
  await other
  // The page that it waited for was gone: it can't tell whether that was the last one.
  expect(await left()).toEqual({ items: 2000, jobs: 1 })
  expect(await finishDeletions(db.database, { rows: 1_000_000 })).toBe(1)
  expect(await left()).toEqual({ items: 0, jobs: 0 })
})
