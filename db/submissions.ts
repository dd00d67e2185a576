import { and, desc, eq, getTableColumns, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import type { SubmissionState } from '../core/statuses.ts'
import type { Database, Query } from './database.ts'
import type { BatchRow } from './batches.ts'
import { batches, ledger, submissions } from './schema.ts'

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

/**
 * Writes down the intent to send a batch. Returns null when another attempt wrote one first: the database allows one live submission
 * a batch, whoever asks. Null as well while a batch that could be taken for this one is undecided, unless it is marked (`Provider.marker`): then its
 * provider's list tells it from all others.
 */
export async function intendSubmission(
  query: Query,
  batch: BatchRow,
  sendWindowMs: number,
  isMarked = false,
): Promise<SubmissionRow | null> {
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
      items: batch.items,
      lookAlike: isMarked ? null : lookAlikeOf(batch),
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

/** Ends a submission that is not, or no more, the batch's own. Only from the state that the caller saw: true when it was still so. */
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
  created: { providerBatchId: string; providerStatus: string; createdAt: Date; expiresAt: Date | null; provisional?: boolean },
): Promise<boolean> {
  const rows = await query
    .update(submissions)
    .set({
      state: 'created',
      providerBatchId: created.providerBatchId,
      provisional: created.provisional ?? false,
      settledAt: sql`now()`,
    })
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
      progressedAt: created.createdAt,
      errorCode: null,
      errorMessage: null,
    })
    .where(and(eq(batches.jobId, submission.jobId), eq(batches.batch, submission.batch)))
  return true
}

/**
 * Gives up a batch that was taken for ours by its looks: its submission is undecided again, and never takes it again. The batch has no place at
 * the provider then. Returns whether it took effect. The caller holds the batch's lock.
 */
export async function disown(query: Query, batch: BatchRow): Promise<boolean> {
  const rows = await query
    .update(submissions)
    .set({
      state: 'sending',
      providerBatchId: null,
      provisional: false,
      settledAt: null,
      notOurs: sql`${submissions.notOurs} || to_jsonb(${batch.providerBatchId}::text)`,
    })
    .where(
      and(
        eq(submissions.jobId, batch.jobId),
        eq(submissions.batch, batch.batch),
        eq(submissions.state, 'created'),
        eq(submissions.provisional, true),
      ),
    )
    .returning({ id: submissions.id })
  if (rows.length === 0) return false
  await query
    .update(batches)
    .set({
      status: 'submitting',
      providerBatchId: null,
      providerStatus: null,
      submittedAt: null,
      expiresAt: null,
      nextPollAt: null,
    })
    .where(and(eq(batches.jobId, batch.jobId), eq(batches.batch, batch.batch)))
  return true
}

/** Whether a batch at the provider was taken for this one by its looks, and nothing has proven it yet. */
export async function isProvisional(query: Query, jobId: string, batch: number): Promise<boolean> {
  return (await findLiveSubmission(query, jobId, batch))?.provisional ?? false
}

/**
 * Whether another submission that could be taken for this batch's is undecided: then this one can't be sent, and need not be made ready. Of a batch
 * with a file never.
 */
export async function isLookAlikeUndecided(query: Query, batch: BatchRow): Promise<boolean> {
  const lookAlike = lookAlikeOf(batch)
  if (lookAlike === null) return false
  const rows = await query
    .select({ id: submissions.id })
    .from(submissions)
    .where(
      and(
        eq(submissions.lookAlike, lookAlike),
        // Spelled out, so that Postgres sees that an index is made for it.
        sql`${submissions.lookAlike} is not null and ${submissions.state} in ('intended', 'sending', 'quarantined')`,
      ),
    )
    .limit(1)
  return rows.length > 0
}

/** Null: the batch's file tells it apart. */
function lookAlikeOf(batch: BatchRow): string | null {
  return batch.inputFileId === null ? `${batch.provider} ${batch.simulated} ${batch.keyFingerprint} ${batch.items}` : null
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

/** Batches live for 48 hours at most at any provider: after that no twin appears any more, in hours. */
const twinWindowHours = 48
/** Results are kept for about 30 days: after that what a twin cost can't be found out any more. */
const bookableDays = 30

/** A submission with a batch at the provider that nobody waits for (`providerBatchId` set), or that may have one. */
export interface PossibleTwin {
  readonly submission: SubmissionRow
  /** Since it was decided that there is none, in milliseconds. */
  readonly ageMs: number
}

/**
 * The submissions of one provider whose twin may still appear there, and those whose twin was seen and is not booked yet. Newest first.
 * They outlive their job: what it left behind is billed all the same.
 */
export async function listPossibleTwins(database: Database, provider: string, simulated: boolean): Promise<PossibleTwin[]> {
  const isBooked = sql`exists (select 1 from ${ledger}
    where ${ledger.jobId} = ${submissions.jobId} and ${ledger.batch} = ${submissions.batch} and ${ledger.attempt} = ${submissions.attempt}
      and ${ledger.kind} = 'actual' and ${ledger.providerBatchId} = ${submissions.providerBatchId})`
  const isUnseen = sql`${submissions.providerBatchId} is null and ${submissions.intendedAt} >= now() - ${twinWindowHours} * interval '1 hour'`
  const isUnbooked = sql`${submissions.state} = 'absent' and ${submissions.providerBatchId} is not null and not ${isBooked}`
  return await database.drizzle
    .select({
      submission: getTableColumns(submissions),
      ageMs: sql<number>`(extract(epoch from (now() - coalesce(${submissions.settledAt}, ${submissions.intendedAt}))) * 1000)::float8`,
    })
    .from(submissions)
    .where(
      and(
        eq(submissions.provider, provider),
        eq(submissions.simulated, simulated),
        // Spelled out, so that Postgres sees that an index is made for it.
        sql`${submissions.state} in ('absent', 'abandoned')`,
        sql`${submissions.intendedAt} >= now() - ${bookableDays} * interval '1 day'`,
        sql`((${isUnseen}) or (${isUnbooked}))`,
      ),
    )
    .orderBy(desc(submissions.id))
}

/**
 * Writes down that a submission created a batch which nobody waits for: from then on it is known, however often the list is read, and followed
 * until it is booked. An absent submission gets its id; one that counts, because another batch of it was adopted, gets a row beside it.
 * Returns the row that has it, or null when the batch has an owner already.
 */
export async function recordTwin(
  query: Query,
  submission: SubmissionRow,
  providerBatchId: string,
): Promise<SubmissionRow | null> {
  const owned = await findOwned(query, submission.provider, [providerBatchId])
  if (owned.size > 0) return null
  const [own] = await query
    .update(submissions)
    .set({ state: 'absent', providerBatchId })
    .where(
      and(
        eq(submissions.id, submission.id),
        inArray(submissions.state, ['absent', 'abandoned']),
        isNull(submissions.providerBatchId),
      ),
    )
    .returning()
  if (own !== undefined) return own
  const { id, ...copied } = submission
  const [beside] = await query
    .insert(submissions)
    .values({
      ...copied,
      state: 'absent',
      providerBatchId,
      settledAt: sql`now()`,
      error: `one more batch that submission ${id} created`,
    })
    .onConflictDoNothing()
    .returning()
  return beside ?? null
}

/** Whether a submission refers to this input file, whatever became of it. */
export async function isFileSubmitted(query: Query, jobId: string, inputFileId: string): Promise<boolean> {
  const rows = await query
    .select({ id: submissions.id })
    .from(submissions)
    .where(and(eq(submissions.jobId, jobId), eq(submissions.inputFileId, inputFileId)))
    .limit(1)
  return rows.length > 0
}

/** What a job left at the provider with batches that have ended. */
export interface LeftFiles {
  /** Uploaded files, sent or not. */
  inputFileIds: string[]
  /** Batches whose answers are read: their result files are of no use any more. */
  providerBatchIds: string[]
}

/**
 * Without what a batch that is still open refers to, or a submission that is not decided; one statement, so that nothing changes in between. The result
 * files of a twin are not in it either: they are needed until it is booked, and go by their expiry.
 */
export async function listLeftFiles(query: Query, jobId: string): Promise<LeftFiles> {
  const rows = await query.execute<{ inputFileId: string | null; providerBatchId: string | null }>(sql`
    with over as (
      select batch, input_file_id, provider_batch_id from batches b
      where job_id = ${jobId} and status = 'ended' and not exists (
        select 1 from submissions s where s.job_id = b.job_id and s.batch = b.batch and s.state in ('intended', 'sending', 'quarantined'))
    )
    select input_file_id as "inputFileId", provider_batch_id as "providerBatchId" from over
    union
    select s.input_file_id, case when s.state = 'absent' then null else s.provider_batch_id end
    from submissions s join over on over.batch = s.batch where s.job_id = ${jobId}`)
  const distinct = (ids: ReadonlyArray<string | null>): string[] => [...new Set(ids.filter((id) => id !== null))]
  return {
    inputFileIds: distinct(rows.map((row) => row.inputFileId)),
    providerBatchIds: distinct(rows.map((row) => row.providerBatchId)),
  }
}
