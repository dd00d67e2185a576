import { and, eq, isNull, sql } from 'drizzle-orm'
import { BatchwrightError } from '../core/errors.ts'
import { isTerminalJobStatus, type JobStatus, type PauseReason } from '../core/statuses.ts'
import { openBatchNumbers } from './batches.ts'
import type { Database, Query } from './database.ts'
import { appendEvent } from './job-events.ts'
import { events, jobs, tickets } from './schema.ts'

/*
 * Changes of a started job's status. Only activities call these; each takes the job's row lock, is safe to repeat, and writes its event
 * in the same transaction.
 */

export type JobRow = typeof jobs.$inferSelect

/** Throws `job_not_found`. */
export async function loadJob(query: Query, jobId: string, lock: 'lock' | 'read' = 'read'): Promise<JobRow> {
  const select = query
    .select()
    .from(jobs)
    .where(and(eq(jobs.id, jobId), isNull(jobs.deletedAt)))
  const [job] = await (lock === 'lock' ? select.for('update') : select)
  if (job === undefined) throw new BatchwrightError('job_not_found', `there is no job ${jobId}`)
  return job
}

/** A queued job starts; any other is left as it is. Returns the job as it now stands. */
export async function startJob(database: Database, jobId: string): Promise<JobRow> {
  return await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (job.status !== 'queued') return job
    await tx
      .update(jobs)
      .set({ status: 'in_progress', startedAt: sql`now()` })
      .where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'started')
    return { ...job, status: 'in_progress' }
  })
}

/**
 * Pauses a job. A reason that needs a person replaces the user's own pause, and shows even while the job is being cancelled. With `spareRound` the
 * round that is under way does not count as one of those that the job may have. Returns whether anything changed.
 */
export async function pauseJob(
  database: Database,
  jobId: string,
  reason: PauseReason,
  detail: string | null,
  { spareRound = false } = {},
): Promise<boolean> {
  return await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (isTerminalJobStatus(job.status) || job.status === 'validating' || job.status === 'finalizing') return false
    if (reason === 'user' && (job.status === 'paused' || job.status === 'cancelling')) return false
    if (job.status === 'paused' && job.pauseReason === reason && job.pauseDetail === detail) return false
    const isNew = job.status !== 'paused' || job.pauseReason !== reason
    const firstRound = spareRound && isNew ? Math.min(job.firstRound, job.round) + 1 : job.firstRound
    await tx
      .update(jobs)
      .set({ status: 'paused', pauseReason: reason, pauseDetail: detail, firstRound })
      .where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'paused', { reason, detail })
    return true
  })
}

/** Whether a person has resumed it after it was paused for this: that was the answer, also for the rest of it. */
export async function wasResumedFrom(query: Query, jobId: string, reason: PauseReason): Promise<boolean> {
  const [row] = await query
    .select({ count: sql<number>`count(*)::int` })
    .from(events)
    .where(
      and(
        eq(events.jobId, jobId),
        eq(events.type, 'resumed'),
        sql`${events.n} > (
          select min(p.n) from events p where p.job_id = ${jobId} and p.type = 'paused' and (p.data::json ->> 'reason') = ${reason})`,
      ),
    )
  return (row?.count ?? 0) > 0
}

export async function resumeJob(database: Database, jobId: string): Promise<boolean> {
  return await database.drizzle.transaction(async (tx) => {
    // Time that it was paused is no time that its batches have waited. Tickets come before their job in the order of locks.
    await tx.execute(sql`
      update ${tickets} t set created_at = least(now(), t.created_at + (now() - paused.at))
      from (select max(created_at) as at from ${events} where job_id = ${jobId} and type = 'paused') paused
      where t.job_id = ${jobId} and exists (select 1 from ${jobs} where id = ${jobId} and status = 'paused')`)
    const job = await loadJob(tx, jobId, 'lock')
    if (job.status !== 'paused') return false
    const status: JobStatus = job.cancelRequestedAt === null ? 'in_progress' : 'cancelling'
    await tx.update(jobs).set({ status, pauseReason: null, pauseDetail: null }).where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'resumed')
    return true
  })
}

export async function requestCancel(database: Database, jobId: string): Promise<boolean> {
  return await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (isTerminalJobStatus(job.status) || job.status === 'finalizing' || job.cancelRequestedAt !== null) return false
    await tx
      .update(jobs)
      .set({ status: 'cancelling', pauseReason: null, pauseDetail: null, cancelRequestedAt: sql`now()` })
      .where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'cancel_requested')
    return true
  })
}

/** How often a job was opened again by `retry`. */
export async function countOpenings(query: Query, jobId: string): Promise<number> {
  const [row] = await query
    .select({ count: sql<number>`count(*)::int` })
    .from(events)
    .where(and(eq(events.jobId, jobId), eq(events.type, 'retried')))
  return row?.count ?? 0
}

/**
 * Begins the end of a job that was opened `openings` times. Throws `job_reopened` for a late try: the job was opened again since, and what is open now
 * is not its to close.
 */
export async function markFinalizing(database: Database, jobId: string, openings: number | undefined): Promise<void> {
  await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (isTerminalJobStatus(job.status) || job.status === 'finalizing') return
    const isReopened = openings !== undefined && (await countOpenings(tx, jobId)) !== openings
    if (isReopened || (await openBatchNumbers(tx, jobId, 1)).length > 0)
      throw new BatchwrightError('job_reopened', `job ${jobId} is ${job.status} again`)
    await tx.update(jobs).set({ status: 'finalizing', pauseReason: null, pauseDetail: null }).where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'finalizing')
  })
}

/** The job as a whole could not run. Its open batches are the janitor's to cancel. */
export async function failJob(database: Database, jobId: string, code: string, message: string): Promise<void> {
  await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (isTerminalJobStatus(job.status)) return
    await tx
      .update(jobs)
      .set({
        status: 'failed',
        errorCode: code,
        errorMessage: message,
        pauseReason: null,
        pauseDetail: null,
        endedAt: sql`now()`,
      })
      .where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'failed', { code, message })
  })
}
