import { and, eq, isNull, sql } from 'drizzle-orm'
import { BatchwrightError } from '../core/errors.ts'
import { isTerminalJobStatus, type JobStatus, type PauseReason } from '../core/statuses.ts'
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
 * Pauses a job. A reason that needs a person replaces the user's own pause, and shows even while the job is being cancelled.
 * Returns whether anything changed.
 */
export async function pauseJob(database: Database, jobId: string, reason: PauseReason, detail: string | null): Promise<boolean> {
  return await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (isTerminalJobStatus(job.status) || job.status === 'validating' || job.status === 'finalizing') return false
    if (reason === 'user' && (job.status === 'paused' || job.status === 'cancelling')) return false
    if (job.status === 'paused' && job.pauseReason === reason && job.pauseDetail === detail) return false
    await tx.update(jobs).set({ status: 'paused', pauseReason: reason, pauseDetail: detail }).where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'paused', { reason, detail })
    return true
  })
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

export async function markFinalizing(database: Database, jobId: string): Promise<void> {
  await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (isTerminalJobStatus(job.status) || job.status === 'finalizing') return
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
