import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, until, type TestDatabase } from '../test/services.ts'
import { listOpenBatches, loadBatch, recordUpload, type BatchRow } from './batches.ts'
import { loadJob } from './job-state.ts'
import { planRound } from './plan.ts'
import { leases } from './schema.ts'
import {
  claimSending,
  closeSubmission,
  disown,
  findLiveSubmission,
  findOwned,
  intendSubmission,
  recordCreated,
  settleableInMs,
  type SubmissionRow,
} from './submissions.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const upload = {
  attempt: 1,
  token: 'aaaaaaaaaaaaaaaa',
  inputFileId: 'file-1',
  requestHash: 'hash',
  keyFingerprint: 'fingerprint',
}

function created(providerBatchId: string) {
  return { providerBatchId, providerStatus: 'in_progress', createdAt: new Date(), expiresAt: null }
}

async function uploadedBatch(inputFileId: string | null = upload.inputFileId): Promise<BatchRow> {
  const jobId = await insertJob(db.database, 3)
  await planRound(db.database, await loadJob(db.database.drizzle, jobId), 1, {
    destinationOf: () => ({ model: 'gpt-4o-mini', endpoint: '/v1/chat/completions' }),
    limitsOf: () => ({ maxRequests: 10, maxBytes: 1e9, maxTokens: null }),
    sizes: 'any',
  })
  const [planned] = await listOpenBatches(db.database.drizzle, jobId)
  await db.database.drizzle.insert(leases).values({ jobId, batch: 1, lane: 'openai', model: 'gpt-4o-mini', tokens: 30 })
  expect(await recordUpload(db.database.drizzle, planned as BatchRow, { ...upload, inputFileId })).toBe(true)
  return await loadBatch(db.database.drizzle, jobId, 1)
}

test('of two uploads of one attempt, the first one counts', async () => {
  const batch = await uploadedBatch()
  expect(
    await recordUpload(
      db.database.drizzle,
      { ...batch, attempt: 0 },
      { ...upload, inputFileId: 'file-2', token: 'bbbbbbbbbbbbbbbb' },
    ),
  ).toBe(false)
  expect(await loadBatch(db.database.drizzle, batch.jobId, 1)).toMatchObject({
    inputFileId: 'file-1',
    token: upload.token,
    attempt: 1,
  })
})

test('a batch has one live submission, whoever asks at the same time', async () => {
  const batch = await uploadedBatch()
  const rows = await Promise.all(Array.from({ length: 8 }, () => intendSubmission(db.database.drizzle, batch, 60_000)))
  expect(rows.filter((row) => row !== null)).toHaveLength(1)
})

test('one caller alone may send, and only before the deadline', async () => {
  const batch = await uploadedBatch()
  const submission = (await intendSubmission(db.database.drizzle, batch, 60_000)) as SubmissionRow
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimSending(db.database.drizzle, submission.id)))
  const [remainingMs, ...others] = claims.filter((claim) => claim !== null)
  expect(remainingMs).toBeGreaterThan(50_000)
  expect(others).toEqual([])

  const late = await uploadedBatch()
  const expired = (await intendSubmission(db.database.drizzle, late, 0)) as SubmissionRow
  expect(await claimSending(db.database.drizzle, expired.id)).toBeNull()
})

test('a batch that may have been sent stays blocked until its submission is settled', async () => {
  const batch = await uploadedBatch()
  const submission = (await intendSubmission(db.database.drizzle, batch, 60_000)) as SubmissionRow
  await claimSending(db.database.drizzle, submission.id)
  expect(await intendSubmission(db.database.drizzle, batch, 60_000)).toBeNull()
  expect(await closeSubmission(db.database.drizzle, submission.id, 'intended', 'not_created', null)).toBe(false)
  expect(await findLiveSubmission(db.database.drizzle, batch.jobId, 1)).toMatchObject({ state: 'sending' })
  expect(await closeSubmission(db.database.drizzle, submission.id, 'sending', 'absent', null)).toBe(true)
  expect(await intendSubmission(db.database.drizzle, batch, 60_000)).not.toBeNull()
})

test('a late answer can not overrule what was settled', async () => {
  const batch = await uploadedBatch()
  const submission = (await intendSubmission(db.database.drizzle, batch, 60_000)) as SubmissionRow
  await claimSending(db.database.drizzle, submission.id)
  await closeSubmission(db.database.drizzle, submission.id, 'sending', 'absent', null)
  expect(await recordCreated(db.database.drizzle, submission, created('batch_late'))).toBe(false)
  expect(await loadBatch(db.database.drizzle, batch.jobId, 1)).toMatchObject({ status: 'submitting', providerBatchId: null })
})

test('a created batch has progressed last when it was created, whenever that is found out', async () => {
  const batch = await uploadedBatch()
  const submission = (await intendSubmission(db.database.drizzle, batch, 60_000)) as SubmissionRow
  await claimSending(db.database.drizzle, submission.id)
  const createdAt = new Date('2026-01-01T00:00:00Z')
  expect(await recordCreated(db.database.drizzle, submission, { ...created('batch_found_late'), createdAt })).toBe(true)
  expect(await loadBatch(db.database.drizzle, batch.jobId, 1)).toMatchObject({ submittedAt: createdAt, progressedAt: createdAt })
})

test("a provider's batch has one owner", async () => {
  const own = async () => {
    const batch = await uploadedBatch()
    const submission = (await intendSubmission(db.database.drizzle, batch, 60_000)) as SubmissionRow
    await claimSending(db.database.drizzle, submission.id)
    return await recordCreated(db.database.drizzle, submission, created('batch_shared'))
  }
  expect(await own()).toBe(true)
  await expect(own()).rejects.toMatchObject({ cause: { code: '23505' } })
  expect(await findOwned(db.database.drizzle, 'openai', ['batch_shared', 'batch_other'])).toEqual(new Set(['batch_shared']))
})

test('what may have been sent is settled only after its deadline and the time to settle', async () => {
  const batch = await uploadedBatch()
  const submission = (await intendSubmission(db.database.drizzle, batch, 300)) as SubmissionRow
  expect(await settleableInMs(db.database.drizzle, submission.id, 60_000)).toBeGreaterThan(59_000)
  await until('the deadline to pass', async () => (await settleableInMs(db.database.drizzle, submission.id, 0)) === 0)
})

test('two batches that only their size could tell apart are never undecided at once', async () => {
  const [one, other] = [await uploadedBatch(null), await uploadedBatch(null)]
  const first = await intendSubmission(db.database.drizzle, one, 10_000)
  expect(first).toMatchObject({ items: 3, lookAlike: 'openai true fingerprint 3' })
  expect(await intendSubmission(db.database.drizzle, other, 10_000)).toBeNull()
  // One with a file is nobody's look-alike.
  expect(await intendSubmission(db.database.drizzle, await uploadedBatch(), 10_000)).not.toBeNull()
  await claimSending(db.database.drizzle, first?.id as number)
  expect(await intendSubmission(db.database.drizzle, other, 10_000)).toBeNull()
  await recordCreated(db.database.drizzle, first as SubmissionRow, created('batch_look_alike'))
  expect(await intendSubmission(db.database.drizzle, other, 10_000)).not.toBeNull()
})

test('a batch found by its looks is given up once, and not taken again; one whose create was answered never is', async () => {
  const batch = await uploadedBatch(null)
  const submission = (await intendSubmission(db.database.drizzle, { ...batch, items: 4 }, 10_000)) as SubmissionRow
  await claimSending(db.database.drizzle, submission.id)
  await recordCreated(db.database.drizzle, submission, { ...created('batch_foreign'), provisional: true })
  const adopted = await loadBatch(db.database.drizzle, batch.jobId, 1)
  expect(await disown(db.database.drizzle, adopted)).toBe(true)
  expect(await loadBatch(db.database.drizzle, batch.jobId, 1)).toMatchObject({ status: 'submitting', providerBatchId: null })
  const undecided = (await findLiveSubmission(db.database.drizzle, batch.jobId, 1)) as SubmissionRow
  expect(undecided).toMatchObject({ state: 'sending', providerBatchId: null, notOurs: ['batch_foreign'] })
  expect(await disown(db.database.drizzle, adopted)).toBe(false)

  await recordCreated(db.database.drizzle, undecided, created('batch_ours'))
  expect(await disown(db.database.drizzle, await loadBatch(db.database.drizzle, batch.jobId, 1))).toBe(false)
})
