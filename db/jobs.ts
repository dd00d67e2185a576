import { and, desc, eq, gte, inArray, isNull, sql, type SQL } from 'drizzle-orm'
import type { JobStatus } from '../core/statuses.ts'
import type { Lane } from '../core/task-queues.ts'
import type { Database, Query } from './database.ts'
import { loadJob, type JobRow } from './job-state.ts'
import { batches, jobs } from './schema.ts'

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

/** How many items a `retry` would send again: those that ended otherwise than well, and in a job that failed as a whole those without an end. */
export async function countRetryable(database: Database, job: JobRow, classes: readonly string[] | undefined): Promise<number> {
  if (classes === undefined) return job.status === 'failed' ? job.items - job.succeeded : job.failed + job.expired + job.cancelled
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from outcomes where job_id = ${job.id} and status <> 'succeeded' and error_class = any(${[...classes]}::text[])`
  return row?.count ?? 0
}
