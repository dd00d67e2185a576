import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertJob, judged } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { listOpenBatches, loadBatch, updateBatch, type BatchRow } from './batches.ts'
import { closeItems, finalizeJob, reopenItems } from './finalize.ts'
import { listItems } from './items.ts'
import { listEvents } from './job-events.ts'
import { loadJob, markFinalizing, pauseJob, requestCancel } from './job-state.ts'
import { recordActualCost } from './ledger.ts'
import { listEarlierAttempts, listUnanswered, mergeResults } from './outcomes.ts'
import { planRound } from './plan.ts'
import { attempts, ledger, outcomes } from './schema.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const destination = { model: 'gpt-4o-mini', endpoint: '/v1/chat/completions' }
const limits = { maxRequests: 50_000, maxBytes: 1e9, maxTokens: null }

async function jobWithBatch(count: number): Promise<{ jobId: string; batch: BatchRow }> {
  const jobId = await insertJob(db.database, count)
  const job = await loadJob(db.database.drizzle, jobId)
  await planRound(db.database, job, 1, { destinationOf: () => destination, limitsOf: () => limits, sizes: 'any' })
  const [batch] = await listOpenBatches(db.database.drizzle, jobId)
  return { jobId, batch: batch as BatchRow }
}

/** As the job's workflow ends it: when its batch has. */
async function beginEnd(jobId: string): Promise<void> {
  await updateBatch(db.database.drizzle, jobId, 1, { status: 'ended' })
  await markFinalizing(db.database, jobId, 0)
}

const failedAttempt = {
  becomes: 'attempt',
  status: 'failed',
  errorClass: 'transient',
  error: '{"class":"transient"}',
  answer: null,
  cost: 0n,
} as const

test('an answer counts once, however often and from however many readers it comes', async () => {
  const { jobId, batch } = await jobWithBatch(100)
  const all = Array.from({ length: 100 }, (_, index) => judged(index + 1))
  const merged = await Promise.all([
    mergeResults(db.database, batch, all),
    mergeResults(db.database, batch, all.toReversed()),
    mergeResults(db.database, batch, all),
  ])
  expect(merged.reduce((sum, count) => sum + count, 0)).toBe(100)
  expect(await mergeResults(db.database, batch, [judged(7, { answer: '{"text":"another"}', cost: 1_000_000n })])).toBe(0)
  const rows = await db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId))
  expect(rows).toHaveLength(100)
  expect(rows.find(({ seq }) => seq === 7)?.answer).toBe('{"text":"answer 7"}')
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({
    succeeded: 100,
    costNanos: 700n,
    inputTokens: 1000,
    outputTokens: 500,
  })
  expect(await loadBatch(db.database.drizzle, jobId, batch.batch)).toMatchObject({ answered: 100 })
})

test('an item of a batch is an outcome or an attempt, never both', async () => {
  const { jobId, batch } = await jobWithBatch(2)
  await mergeResults(db.database, batch, [judged(1, failedAttempt), judged(2)])
  await mergeResults(db.database, batch, [judged(1), judged(2, failedAttempt)])
  expect(await db.database.drizzle.select({ seq: outcomes.seq }).from(outcomes).where(eq(outcomes.jobId, jobId))).toEqual([
    { seq: 2 },
  ])
  expect(await db.database.drizzle.select({ seq: attempts.seq }).from(attempts).where(eq(attempts.jobId, jobId))).toEqual([
    { seq: 1 },
  ])
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ succeeded: 1, attempts: 1 })
})

test('a late try merges nothing into a batch that has moved on', async () => {
  const { jobId, batch } = await jobWithBatch(2)
  await updateBatch(db.database.drizzle, jobId, batch.batch, { attempt: batch.attempt + 1 })
  const late = [judged(1, failedAttempt), judged(2)]
  await expect(mergeResults(db.database, batch, late)).rejects.toMatchObject({ code: 'batch_moved_on' })
  expect(await db.database.drizzle.select().from(attempts).where(eq(attempts.jobId, jobId))).toEqual([])
  const current = await loadBatch(db.database.drizzle, jobId, batch.batch)
  expect(await mergeResults(db.database, current, [judged(1), judged(2)])).toBe(2)
})

test('a NUL escape and a lone surrogate in an answer survive', async () => {
  const { jobId, batch } = await jobWithBatch(1)
  const answer = JSON.stringify({ text: 'a\u0000b \ud800 "quoted" \\ \n' })
  await mergeResults(db.database, batch, [judged(1, { answer, raw: `{"x":${answer}}` })])
  const [row] = await db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId))
  expect(row?.answer).toBe(answer)
  expect(JSON.parse(row?.answer ?? '')).toEqual({ text: 'a\u0000b \ud800 "quoted" \\ \n' })
})

test('what a batch left unanswered is found in pages; earlier attempts are those of other batches', async () => {
  const { batch } = await jobWithBatch(10)
  await mergeResults(db.database, batch, [judged(1), judged(4, failedAttempt), judged(10)])
  expect(await listUnanswered(db.database.sql, batch, 0, 4)).toEqual([2, 3, 5, 6])
  expect(await listUnanswered(db.database.sql, batch, 6, 4)).toEqual([7, 8, 9])
  expect((await listEarlierAttempts(db.database.sql, { ...batch, round: 2, batch: 2 }, [1, 4])).get(4)).toHaveLength(1)
  expect((await listEarlierAttempts(db.database.sql, { ...batch, round: 2 }, [1, 4])).size).toBe(0)
})

test('a job ends with one outcome an item: what is left ends as its last attempt did', async () => {
  const { jobId, batch } = await jobWithBatch(4)
  await mergeResults(db.database, batch, [
    judged(1),
    judged(2, failedAttempt),
    judged(3, { ...failedAttempt, errorClass: 'expired' }),
  ])
  await beginEnd(jobId)
  await expect(finalizeJob(db.database, jobId)).rejects.toMatchObject({ code: 'invariant_broken' })
  expect(await closeItems(db.database, jobId)).toBe(3)
  expect(await closeItems(db.database, jobId)).toBe(0)
  const ended = await finalizeJob(db.database, jobId)
  expect(ended).toEqual({ status: 'completed', counts: { items: 4, succeeded: 1, failed: 2, expired: 1, cancelled: 0 } })
  expect(await finalizeJob(db.database, jobId)).toEqual(ended)
  const events = await listEvents(db.database.drizzle, jobId, 0, 100)
  expect(events.filter(({ type }) => type === 'completed')).toHaveLength(1)
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({
    status: 'completed',
    attempts: 2,
    costNanos: 7n,
    unpriced: 0,
  })
})

test('a cancelled job keeps its answers and ends the rest as cancelled', async () => {
  const { jobId, batch } = await jobWithBatch(3)
  await mergeResults(db.database, batch, [judged(1), judged(2, failedAttempt)])
  await requestCancel(db.database, jobId)
  await updateBatch(db.database.drizzle, jobId, 1, { status: 'ended', result: 'cancelled' })
  await beginEnd(jobId)
  await closeItems(db.database, jobId)
  // Item 2 was answered in it, item 3 was not: each was sent once.
  expect((await listItems(db.database, jobId, {}, 0, 10)).map(({ attempts }) => attempts)).toEqual([1, 1, 1])
  expect(await finalizeJob(db.database, jobId)).toMatchObject({ status: 'cancelled', counts: { succeeded: 1, cancelled: 2 } })
})

test('retry opens what did not succeed, by class if asked, and keeps it as an attempt', async () => {
  const { jobId, batch } = await jobWithBatch(3)
  await mergeResults(db.database, batch, [
    judged(1),
    judged(2, { status: 'failed', errorClass: 'refusal', error: '{"class":"refusal"}' }),
    judged(3, { status: 'failed', errorClass: 'transient', error: '{"class":"transient"}' }),
  ])
  await beginEnd(jobId)
  await finalizeJob(db.database, jobId)
  expect(await reopenItems(db.database, jobId, ['content_filter'], 'request 1')).toBe(0)
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ status: 'completed' })
  expect(await reopenItems(db.database, jobId, ['refusal'], 'request 2')).toBe(1)
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({
    status: 'in_progress',
    succeeded: 1,
    failed: 1,
    attempts: 1,
    firstRound: 2,
  })
  // Item 2 is open still, item 3 comes to it.
  expect(await reopenItems(db.database, jobId, null, 'request 3')).toBe(2)
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ failed: 0, eventCount: 4 })
  // The same request again, by a try that is late: nothing is opened a second time.
  expect(await reopenItems(db.database, jobId, null, 'request 2')).toBe(0)
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ eventCount: 4 })
  expect(
    (await db.database.drizzle.select().from(attempts).where(eq(attempts.jobId, jobId)))
      .map(({ seq, errorClass }) => `${seq} ${errorClass}`)
      .toSorted(),
  ).toEqual(['2 refusal', '3 transient'])
})

test('what a batch cost is booked once', async () => {
  const { jobId, batch } = await jobWithBatch(3)
  await mergeResults(db.database, batch, [judged(1), judged(2, { ...failedAttempt, cost: 5n })])
  for (let times = 0; times < 2; times++) await db.database.drizzle.transaction((tx) => recordActualCost(tx, batch))
  const rows = await db.database.drizzle.select().from(ledger).where(eq(ledger.jobId, jobId))
  expect(rows.map(({ kind, amountNanos, simulated }) => ({ kind, amountNanos, simulated }))).toEqual([
    { kind: 'actual', amountNanos: 12n, simulated: true },
  ])
})

test('a late finalization does not close what was opened again', async () => {
  const { jobId, batch } = await jobWithBatch(2)
  await mergeResults(db.database, batch, [judged(1), judged(2, { status: 'failed', errorClass: 'refusal', error: '{}' })])
  await beginEnd(jobId)
  await finalizeJob(db.database, jobId)
  await reopenItems(db.database, jobId, null, 'request 4')
  await expect(markFinalizing(db.database, jobId, 0)).rejects.toMatchObject({ code: 'job_reopened' })
  expect(await closeItems(db.database, jobId)).toBe(0)
  await expect(finalizeJob(db.database, jobId)).rejects.toMatchObject({ code: 'job_reopened' })
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ status: 'in_progress' })
})

test('a job with an open batch is not finalized', async () => {
  const { jobId } = await jobWithBatch(1)
  await expect(markFinalizing(db.database, jobId, 0)).rejects.toMatchObject({ code: 'job_reopened' })
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ status: 'in_progress' })
})

test('a pause for a broken key spares the round that it broke in, once', async () => {
  const { jobId } = await jobWithBatch(1)
  const spare = { spareRound: true }
  await pauseJob(db.database, jobId, 'auth', 'batch 1: 401', spare)
  await pauseJob(db.database, jobId, 'auth', 'batch 2: 401', spare)
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ status: 'paused', round: 1, firstRound: 2 })
})

test('long texts come back as they were, whatever is missing between them', async () => {
  const { jobId, batch } = await jobWithBatch(4)
  await mergeResults(db.database, batch, [
    judged(1, { answer: null, raw: '{"custom_id":"a"}' }),
    judged(2, { answer: '{"text":"\\u0000 ü “” 😀"}', raw: null }),
    judged(3, { answer: null, raw: null }),
    judged(4, { answer: '{"text":"four"}', raw: 'broken \u001e line' }),
  ])
  const rows = await db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId)).orderBy(outcomes.seq)
  expect(rows.map(({ answer, raw }) => ({ answer, raw }))).toEqual([
    { answer: null, raw: '{"custom_id":"a"}' },
    { answer: '{"text":"\\u0000 ü “” 😀"}', raw: null },
    { answer: null, raw: null },
    { answer: '{"text":"four"}', raw: 'broken \uFFFD line' },
  ])
})
