import { and, desc, eq, inArray, isNotNull, sql } from 'drizzle-orm'
import type { SubmissionState } from '../core/statuses.ts'
import type { Database, Query } from './database.ts'
import type { BatchRow } from './batches.ts'
import { batches, submissions } from './schema.ts'

export type SubmissionRow = typeof submissions.$inferSelect

/** States in which a batch must not be sent by anybody else. */
const liveStates: SubmissionState[] = ['intended', 'sending', 'created', 'quarantined']

/** The submission that stands in the way of another one, if there is one; at most one, by a unique index. */
export async function findLiveSubmission(query: Query, jobId: string, batch: number): Promise<SubmissionRow | null> {
  const [row] = await query
    .select()
    .from(submissions)
    .where(and(eq(submissions.jobId, jobId), eq(submissions.batch, batch), inArray(submissions.state, liveStates)))
  return row ?? null
}

export async function listSubmissions(query: Query, jobId: string): Promise<SubmissionRow[]> {
  return await query.select().from(submissions).where(eq(submissions.jobId, jobId)).orderBy(submissions.id)
}

/**
 * Writes down the intent to send a batch. Returns null when another attempt wrote one first: the database allows one live submission
 * a batch, whoever asks.
 */
export async function intendSubmission(query: Query, batch: BatchRow, sendWindowMs: number): Promise<SubmissionRow | null> {
  if (batch.token === null || batch.requestHash === null || batch.keyFingerprint === null) return null
  const [row] = await query
    .insert(submissions)
    .values({
      jobId: batch.jobId,
      batch: batch.batch,
      attempt: batch.attempt,
      provider: batch.provider,
      simulated: batch.simulated,
      token: batch.token,
      inputFileId: batch.inputFileId,
      requestHash: batch.requestHash,
      keyFingerprint: batch.keyFingerprint,
      state: 'intended',
      sendDeadline: sql`now() + ${sendWindowMs / 1000} * interval '1 second'`,
    })
    .onConflictDoNothing()
    .returning()
  return row ?? null
}

/**
 * The compare-and-set before the POST: only the caller that gets a number may send, and only for that many milliseconds from now.
 * Null: somebody else has it, or its time is over.
 */
export async function claimSending(query: Query, submissionId: number): Promise<number | null> {
  const [row] = await query
    .update(submissions)
    .set({ state: 'sending', sentAt: sql`clock_timestamp()` })
    .where(
      and(
        eq(submissions.id, submissionId),
        eq(submissions.state, 'intended'),
        sql`clock_timestamp() < ${submissions.sendDeadline}`,
      ),
    )
    .returning({
      remainingMs: sql<number>`(extract(epoch from (${submissions.sendDeadline} - clock_timestamp())) * 1000)::float8`,
    })
  return row?.remainingMs ?? null
}

/** Ends a submission that never reached `created`. Only from the state that the caller saw: true when it was still so. */
export async function closeSubmission(
  query: Query,
  submissionId: number,
  from: SubmissionState,
  to: 'not_created' | 'absent' | 'quarantined' | 'abandoned',
  error: string | null,
): Promise<boolean> {
  const rows = await query
    .update(submissions)
    .set({ state: to, settledAt: sql`now()`, error })
    .where(and(eq(submissions.id, submissionId), eq(submissions.state, from)))
    .returning({ id: submissions.id })
  return rows.length > 0
}

/** Why a request that may have arrived is not known to have: kept until it is settled. */
export async function noteAmbiguity(query: Query, submissionId: number, error: string): Promise<void> {
  await query
    .update(submissions)
    .set({ error })
    .where(and(eq(submissions.id, submissionId), eq(submissions.state, 'sending')))
}

/** Until a submission that may have been sent can be settled, in milliseconds by the database's clock; 0 when it can be now. */
export async function settleableInMs(query: Query, submissionId: number, settleAfterMs: number): Promise<number> {
  const [row] = await query
    .select({
      ms: sql<number>`greatest(0, extract(epoch from (${submissions.sendDeadline} + ${settleAfterMs / 1000} * interval '1 second' - clock_timestamp())) * 1000)::float8`,
    })
    .from(submissions)
    .where(eq(submissions.id, submissionId))
  return row?.ms ?? 0
}

/**
 * Stores the provider's id: the submission is `created`, its batch `in_progress`. From `sending` only (or `quarantined`, when a person
 * adopts), so that a late answer can't overrule what was settled meanwhile. Returns whether it took effect.
 */
export async function recordCreated(
  query: Query,
  submission: SubmissionRow,
  created: { providerBatchId: string; providerStatus: string; createdAt: Date; expiresAt: Date | null },
): Promise<boolean> {
  const rows = await query
    .update(submissions)
    .set({ state: 'created', providerBatchId: created.providerBatchId, settledAt: sql`now()` })
    .where(and(eq(submissions.id, submission.id), inArray(submissions.state, ['sending', 'quarantined'])))
    .returning({ id: submissions.id })
  if (rows.length === 0) return false
  await query
    .update(batches)
    .set({
      status: 'in_progress',
      providerBatchId: created.providerBatchId,
      providerStatus: created.providerStatus,
      submittedAt: created.createdAt,
      expiresAt: created.expiresAt,
      reportedDone: null,
      reportedFailed: null,
      errorCode: null,
      errorMessage: null,
    })
    .where(and(eq(batches.jobId, submission.jobId), eq(batches.batch, submission.batch)))
  return true
}

/** Which of these provider batches some submission owns already. */
export async function findOwned(query: Query, provider: string, providerBatchIds: readonly string[]): Promise<Set<string>> {
  if (providerBatchIds.length === 0) return new Set()
  const rows = await query
    .select({ id: submissions.providerBatchId })
    .from(submissions)
    .where(
      and(
        eq(submissions.provider, provider),
        inArray(submissions.providerBatchId, [...providerBatchIds]),
        isNotNull(submissions.providerBatchId),
      ),
    )
  return new Set(rows.map((row) => row.id as string))
}

/** The submissions that were decided to be absent since `since`, whose twins may still appear at the provider. */
export async function listPossibleTwins(
  database: Database,
  provider: string,
  simulated: boolean,
  since: Date,
): Promise<SubmissionRow[]> {
  return await database.drizzle
    .select()
    .from(submissions)
    .where(
      and(
        eq(submissions.provider, provider),
        eq(submissions.simulated, simulated),
        eq(submissions.state, 'absent'),
        sql`${submissions.intendedAt} >= ${since.toISOString()}::timestamptz`,
      ),
    )
    .orderBy(desc(submissions.id))
}

/** Every file that was uploaded for a job and may still be at the provider. */
export async function listInputFiles(query: Query, jobId: string): Promise<string[]> {
  const rows = await query
    .selectDistinct({ id: submissions.inputFileId })
    .from(submissions)
    .where(and(eq(submissions.jobId, jobId), isNotNull(submissions.inputFileId)))
  return rows.map((row) => row.id as string)
}
