import {
  isTerminalJobStatus,
  type BatchStatus,
  type JobStatus,
  type PauseReason,
  type SubmissionState,
} from '../core/statuses.ts'
import type { Lane } from '../core/task-queues.ts'
import { parseLane } from './admission.ts'
import type { Database, Transaction } from './database.ts'

/** Everything that is counted for monitoring, at one moment. */
export interface DatabaseMetrics {
  readonly jobs: ReadonlyArray<
    Lane & { status: JobStatus | 'draft'; pauseReason: PauseReason | null; jobs: number; costNanos: bigint }
  >
  /** By what the jobs' own counters say. `pending` and `submitted` are those of jobs that are not over. */
  readonly items: Readonly<Record<'pending' | 'submitted' | 'succeeded' | 'failed' | 'expired' | 'cancelled', number>>
  /** Without those that have ended. */
  readonly batches: ReadonlyArray<Lane & { status: BatchStatus; batches: number }>
  readonly tickets: ReadonlyArray<Lane & { tickets: number; oldestSeconds: number }>
  readonly leases: ReadonlyArray<Lane & { model: string; batches: number; tokens: number }>
  /** Those of which it is open whether they made a batch. */
  readonly submissions: ReadonlyArray<Lane & { state: SubmissionState; submissions: number }>
  /** What is booked, deleted jobs included. */
  readonly booked: ReadonlyArray<{ simulated: boolean; nanos: bigint }>
  /** With 0 for providers whose workers were last seen longer ago. */
  readonly workers: ReadonlyArray<Lane & { workers: number }>
}

/**
 * Reads what a scrape shows. Every statement reads jobs, open batches or smaller tables, never items or outcomes, and Postgres gives up one that takes
 * longer than `timeoutMs`.
 */
export async function readMetrics(
  database: Database,
  { timeoutMs, workersWithinMs }: { timeoutMs: number; workersWithinMs: number },
): Promise<DatabaseMetrics> {
  return await database.sql.begin('isolation level repeatable read read only', async (tx) => {
    await tx`select set_config('statement_timeout', ${String(timeoutMs)}, true)`
    const jobs = await sumJobs(tx)
    const batches = await sumBatches(tx)
    const sum = (field: 'succeeded' | 'failed' | 'expired' | 'cancelled') => jobs.reduce((total, row) => total + row[field], 0)
    const submitted = batches.reduce((total, row) => total + row.submitted, 0)
    const unanswered = jobs
      .filter(({ status }) => status !== 'draft' && !isTerminalJobStatus(status))
      .reduce((total, row) => total + row.items - row.succeeded - row.failed - row.expired - row.cancelled, 0)
    return {
      jobs,
      items: {
        pending: Math.max(0, unanswered - submitted),
        submitted,
        succeeded: sum('succeeded'),
        failed: sum('failed'),
        expired: sum('expired'),
        cancelled: sum('cancelled'),
      },
      batches,
      tickets: await countTickets(tx),
      leases: await sumLeases(tx),
      submissions: await countSubmissions(tx),
      booked: await tx<Array<{ simulated: boolean; nanos: bigint }>>`
        select simulated, sum(amount_nanos)::bigint as nanos from ledger where kind = 'actual' group by simulated`,
      workers: await tx<Array<Lane & { workers: number }>>`
        select provider, simulated, (count(*) filter (where seen_at > now() - ${workersWithinMs / 1000} * interval '1 second'))::int as workers
        from workers group by provider, simulated`,
    }
  })
}

interface JobSums extends Lane {
  /** `draft`: its items still come in by parts. */
  status: JobStatus | 'draft'
  pauseReason: PauseReason | null
  jobs: number
  items: number
  succeeded: number
  failed: number
  expired: number
  cancelled: number
  costNanos: bigint
}

async function sumJobs(tx: Transaction): Promise<JobSums[]> {
  return await tx<JobSums[]>`
    select provider, simulated, case when status = 'validating' and draft is not null then 'draft' else status end as status, pause_reason as "pauseReason", count(*)::int as jobs, sum(items)::float8 as items,
      sum(succeeded)::float8 as succeeded, sum(failed)::float8 as failed, sum(expired)::float8 as expired, sum(cancelled)::float8 as cancelled,
      sum(cost_nanos)::bigint as "costNanos"
    from jobs where deleted_at is null group by provider, simulated, 3, pause_reason`
}

async function sumBatches(tx: Transaction): Promise<Array<Lane & { status: BatchStatus; batches: number; submitted: number }>> {
  return await tx<Array<Lane & { status: BatchStatus; batches: number; submitted: number }>>`
    select b.provider, b.simulated, b.status, count(*)::int as batches,
      coalesce(sum(greatest(0, b.items - b.answered)) filter (
        where b.status in ('in_progress', 'fetching') and j.status not in ('completed', 'failed', 'cancelled', 'expired')), 0)::float8 as submitted
    from batches b join jobs j on j.id = b.job_id where b.status <> 'ended' group by b.provider, b.simulated, b.status`
}

async function countTickets(tx: Transaction): Promise<Array<Lane & { tickets: number; oldestSeconds: number }>> {
  const rows = await tx<Array<{ lane: string; tickets: number; oldestSeconds: number }>>`
    select lane, count(*)::int as tickets, greatest(0, extract(epoch from now() - min(created_at)))::float8 as "oldestSeconds" from tickets group by lane`
  return rows.map(({ lane, ...row }) => ({ ...parseLane(lane), ...row }))
}

async function sumLeases(tx: Transaction): Promise<Array<Lane & { model: string; batches: number; tokens: number }>> {
  const rows = await tx<Array<{ lane: string; model: string; batches: number; tokens: number }>>`
    select lane, model, count(*)::int as batches, sum(tokens)::float8 as tokens from leases group by lane, model`
  return rows.map(({ lane, ...row }) => ({ ...parseLane(lane), ...row }))
}

async function countSubmissions(tx: Transaction): Promise<Array<Lane & { state: SubmissionState; submissions: number }>> {
  return await tx<Array<Lane & { state: SubmissionState; submissions: number }>>`
    select provider, simulated, state, count(*)::int as submissions from submissions
    where state in ('intended', 'sending', 'quarantined') group by provider, simulated, state`
}
