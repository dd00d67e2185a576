import { and, asc, desc, eq, gte, inArray, isNull, sql, type SQL } from 'drizzle-orm'
import { BatchwrightError } from '../core/errors.ts'
import { isTerminalJobStatus, jobStatuses, type JobStatus } from '../core/statuses.ts'
import type { Lane } from '../core/task-queues.ts'
import type { Database, Query } from './database.ts'
import { loadJob, type JobRow } from './job-state.ts'
import { discardDraft } from './uploads.ts'
import {
  batches,
  batchItems,
  attempts,
  events,
  items,
  jobs,
  leases,
  outcomes,
  parts,
  rejects,
  submissions,
  tickets,
} from './schema.ts'

/** What a job's batches add up to. */
export interface BatchSums {
  total: number
  open: number
  /** Items at the provider that have no answer yet. */
  submitted: number
  /** Of open batches, beyond the answers that are merged already, as the provider reports them. `done` includes `failed`. */
  reportedDone: number
  reportedFailed: number
  nextPollAt: Date | null
}

export interface SummarizedJob {
  job: JobRow
  batches: BatchSums
}

const noBatches: BatchSums = { total: 0, open: 0, submitted: 0, reportedDone: 0, reportedFailed: 0, nextPollAt: null }

/** Throws `job_not_found`. */
export async function findJob(database: Database, jobId: string): Promise<SummarizedJob> {
  const job = await loadJob(database.drizzle, jobId)
  const sums = await sumBatches(database.drizzle, [jobId])
  return { job, batches: sums.get(jobId) ?? noBatches }
}

export interface JobFilter {
  statuses?: readonly JobStatus[] | undefined
  name?: string | undefined
  idPrefix?: string | undefined
  /** All must match; a null value asks for the key alone. */
  tags?: ReadonlyArray<{ key: string; value: string | null }> | undefined
  provider?: string | undefined
  model?: string | undefined
  createdAfter?: Date | undefined
}

/** Where a list goes on: after this job. */
export interface JobPosition {
  createdAt: Date
  id: string
}

/** Newest first. */
export async function listJobs(
  database: Database,
  filter: JobFilter,
  after: JobPosition | null,
  limit: number,
): Promise<SummarizedJob[]> {
  const conditions: (SQL | undefined)[] = [
    isNull(jobs.deletedAt),
    filter.statuses === undefined ? undefined : inArray(jobs.status, [...filter.statuses]),
    filter.name === undefined ? undefined : eq(jobs.name, filter.name),
    // The prefix has only letters and digits of ids, so nothing in it is a wildcard.
    filter.idPrefix === undefined ? undefined : sql`${jobs.id} like ${`${filter.idPrefix}%`}`,
    filter.provider === undefined ? undefined : eq(jobs.provider, filter.provider),
    filter.model === undefined ? undefined : eq(jobs.model, filter.model),
    filter.createdAfter === undefined ? undefined : gte(jobs.createdAt, filter.createdAfter),
    ...(filter.tags ?? []).map(({ key, value }) =>
      value === null ? sql`jsonb_exists(${jobs.tags}, ${key})` : sql`${jobs.tags} @> ${JSON.stringify({ [key]: value })}::jsonb`,
    ),
    after === null
      ? undefined
      : sql`(${jobs.createdAt}, ${jobs.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id})`,
  ]
  const rows = await database.drizzle
    .select()
    .from(jobs)
    .where(and(...conditions))
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(limit)
  const sums = await sumBatches(
    database.drizzle,
    rows.map((row) => row.id),
  )
  return rows.map((job) => ({ job, batches: sums.get(job.id) ?? noBatches }))
}

/** Jobs that are not over, by lane. */
export async function countOpenJobs(database: Database): Promise<Array<Lane & { jobs: number }>> {
  return await database.drizzle
    .select({ provider: jobs.provider, simulated: jobs.simulated, jobs: sql<number>`count(*)::int` })
    .from(jobs)
    .where(and(isNull(jobs.deletedAt), inArray(jobs.status, ['queued', 'in_progress', 'finalizing', 'cancelling', 'paused'])))
    .groupBy(jobs.provider, jobs.simulated)
    .orderBy(jobs.provider, jobs.simulated)
}

async function sumBatches(query: Query, jobIds: readonly string[]): Promise<Map<string, BatchSums>> {
  if (jobIds.length === 0) return new Map()
  const atProvider = sql`${batches.status} in ('in_progress', 'fetching')`
  // What is merged is in the job's own counters already.
  const unanswered = sql`greatest(0, ${batches.items} - ${batches.answered})`
  const rows = await query
    .select({
      jobId: batches.jobId,
      total: sql<number>`count(*)::int`,
      open: sql<number>`(count(*) filter (where ${batches.status} <> 'ended'))::int`,
      submitted: sql<number>`coalesce(sum(${unanswered}) filter (where ${atProvider}), 0)::int`,
      reportedDone: sql<number>`coalesce(sum(least(${unanswered}, greatest(0, coalesce(${batches.reportedDone}, 0) - ${batches.answered}))) filter (where ${atProvider}), 0)::int`,
      reportedFailed: sql<number>`coalesce(sum(least(${unanswered}, coalesce(${batches.reportedFailed}, 0))) filter (where ${batches.status} = 'in_progress'), 0)::int`,
      nextPollAt: sql<Date | null>`min(${batches.nextPollAt}) filter (where ${batches.status} = 'in_progress')`.mapWith(
        batches.nextPollAt,
      ),
    })
    .from(batches)
    .where(inArray(batches.jobId, [...jobIds]))
    .groupBy(batches.jobId)
  return new Map(rows.map(({ jobId, ...sums }) => [jobId, sums]))
}

const rowsPerDelete = 10_000

/**
 * Deletes a job that is over, with everything about it but its ledger entries (money that is spent stays spent) and submissions whose
 * batch may still turn up at the provider. It is gone at once; its rows go in pages after it, and what breaks off is finished by the
 * janitor. A draft is discarded. Throws `job_not_found` and `job_not_finished`.
 */
export async function deleteJob(database: Database, jobId: string): Promise<void> {
  if (await discardDraft(database, jobId)) return
  await database.drizzle.transaction(async (tx) => {
    await requireFinished(tx, jobId)
    await markDeleted(tx, jobId)
  })
  await removeRows(database, jobId, { rows: Number.POSITIVE_INFINITY })
}

/** How many rows may still be deleted in this go; what deletes some takes them off. */
export interface DeletionBudget {
  rows: number
}

/** Finishes deletions that broke off, within the budget. Returns how many. */
export async function finishDeletions(database: Database, budget: DeletionBudget): Promise<number> {
  const rows = await database.drizzle
    .select({ id: jobs.id })
    .from(jobs)
    .where(sql`${jobs.deletedAt} < now() - interval '1 minute'`)
    .orderBy(asc(jobs.deletedAt))
    .limit(100)
  let finished = 0
  for (const { id } of rows) finished += (await removeRows(database, id, budget)) ? 1 : 0
  return finished
}

/**
 * Deletes jobs that ended longer ago than this, oldest first, as `deleteJob` does: a few at a time, and no more rows than the budget has. What it leaves of
 * one is finished by `finishDeletions`. Returns how many jobs are gone.
 */
export async function deleteEndedJobs(database: Database, keptMs: number, budget: DeletionBudget): Promise<number> {
  const isOver = sql`${inArray(jobs.status, jobStatuses.filter(isTerminalJobStatus))}
    and ${jobs.endedAt} < now() - ${keptMs / 1000} * interval '1 second' and ${jobs.deletedAt} is null`
  const candidates = await database.drizzle
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      // None ends before it was created, and there is an index of that.
      sql`${isOver} and ${jobs.createdAt} < now() - ${keptMs / 1000} * interval '1 second'
        and not exists (select 1 from ${batches} where ${batches.jobId} = ${jobs.id} and ${batches.status} <> 'ended')`,
    )
    .orderBy(asc(jobs.createdAt), asc(jobs.id))
    .limit(endedJobsPerGo)
  let deleted = 0
  for (const { id } of candidates) {
    if (budget.rows <= 0) break
    const isGone = await database.drizzle.transaction(async (tx) => {
      // The list is a moment old: a `retry` may have opened it since, or be doing so.
      const [job] = await tx
        .select({ id: jobs.id })
        .from(jobs)
        .where(sql`${jobs.id} = ${id} and ${isOver}`)
        .for('update', { skipLocked: true })
      if (job === undefined || (await hasOpenBatch(tx, id))) return false
      await markDeleted(tx, id)
      return true
    })
    if (!isGone) continue
    deleted += 1
    await removeRows(database, id, budget)
  }
  return deleted
}

const endedJobsPerGo = 25

async function markDeleted(tx: Query, jobId: string): Promise<void> {
  await tx
    .update(jobs)
    .set({ deletedAt: sql`now()`, idempotencyKey: null })
    .where(eq(jobs.id, jobId))
}

/** In pages, as far as the budget goes. Returns whether nothing is left. */
async function removeRows(database: Database, jobId: string, budget: DeletionBudget): Promise<boolean> {
  for (const table of ['outcomes', 'attempts', 'batch_items', 'items', 'rejects'] as const) {
    for (let deleted = rowsPerDelete; deleted >= rowsPerDelete;) {
      if (budget.rows <= 0) return false
      const rows = await database.drizzle.execute(sql`
        delete from ${pagedTables[table]} where ctid = any(array(select ctid from ${pagedTables[table]} where job_id = ${jobId} limit ${rowsPerDelete}))`)
      deleted = rows.count
      budget.rows -= deleted
    }
  }
  await database.drizzle.transaction(async (tx) => {
    await tx.delete(batches).where(eq(batches.jobId, jobId))
    // Those that `listPossibleTwins` follows stay: what they left at the provider is billed all the same. An abandoned one whose batch is known
    // was followed to its end.
    await tx.delete(submissions).where(
      and(
        eq(submissions.jobId, jobId),
        sql`${submissions.state} <> 'absent'`,
        // Whose batch it is must stay known while another one may be told by the same looks.
        sql`(${submissions.lookAlike} is null or ${submissions.providerBatchId} is null)`,
        sql`not (${submissions.state} = 'abandoned' and ${submissions.providerBatchId} is null)`,
      ),
    )
    await tx.delete(tickets).where(eq(tickets.jobId, jobId))
    await tx.delete(leases).where(eq(leases.jobId, jobId))
    await tx.delete(events).where(eq(events.jobId, jobId))
    await tx.delete(parts).where(eq(parts.jobId, jobId))
    await tx.delete(jobs).where(eq(jobs.id, jobId))
  })
  return true
}

const pagedTables = { outcomes, attempts, batch_items: batchItems, items, rejects }

/** Under the job's lock, so that a `retry` can't start while its rows go. */
async function requireFinished(query: Query, jobId: string): Promise<void> {
  const job = await loadJob(query, jobId, 'lock')
  if (job.status === 'validating') {
    throw new BatchwrightError('upload_in_progress', `job ${jobId} is still being uploaded`)
  }
  if (!isTerminalJobStatus(job.status)) {
    throw new BatchwrightError(
      'job_not_finished',
      `job ${jobId} is ${job.status}: cancel it first, and delete it when it has ended`,
    )
  }
  if (await hasOpenBatch(query, jobId)) {
    throw new BatchwrightError(
      'job_not_finished',
      `job ${jobId} still has a batch at the provider, which is being cancelled: try again in a minute`,
    )
  }
}

async function hasOpenBatch(query: Query, jobId: string): Promise<boolean> {
  const open = await query
    .select({ batch: batches.batch })
    .from(batches)
    .where(and(eq(batches.jobId, jobId), sql`${batches.status} <> 'ended'`))
    .limit(1)
  return open.length > 0
}

/** How many items a `retry` would send again: those that ended otherwise than well, and in a job that failed as a whole those without an end. */
export async function countRetryable(database: Database, job: JobRow, classes: readonly string[] | undefined): Promise<number> {
  if (classes === undefined) return job.status === 'failed' ? job.items - job.succeeded : job.failed + job.expired + job.cancelled
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from outcomes where job_id = ${job.id} and status <> 'succeeded' and error_class = any(${[...classes]}::text[])`
  return row?.count ?? 0
}
