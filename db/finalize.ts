import { eq, sql } from 'drizzle-orm'
import { BatchwrightError } from '../core/errors.ts'
import { isTerminalJobStatus, type JobStatus } from '../core/statuses.ts'
import type { Database } from './database.ts'
import { appendEvent } from './job-events.ts'
import { loadJob } from './job-state.ts'
import { jobs } from './schema.ts'

const seqsPerStatement = 10_000

/**
 * Ends every item that has no outcome: as `cancelled` in a cancelled job, with each batch that was cancelled under it counted as one sending of
 * it, else as its last attempt ended. In pages, each its own
 * transaction, and safe to repeat. Returns how many it ended.
 */
export async function closeItems(database: Database, jobId: string): Promise<number> {
  const job = await loadJob(database.drizzle, jobId)
  const isCancelled = job.cancelRequestedAt !== null
  let closed = 0
  for (let from = 1; from <= job.items; from += seqsPerStatement) {
    const to = from + seqsPerStatement - 1
    const rows = await database.sql`
      with cancelled_batches as materialized (
        select batch, listed, seq_from, seq_to from batches where job_id = ${jobId} and result = 'cancelled' and ${isCancelled}
      )
      insert into outcomes (job_id, seq, status, batch, round, attempts, error_class, error, cost_nanos)
      select i.job_id, i.seq,
        case when ${isCancelled} then 'cancelled' when last.error_class = 'expired' then 'expired' else 'failed' end,
        last.batch, last.round,
        coalesce(last.attempts, 0) + (
          select count(*) from cancelled_batches b where i.seq between b.seq_from and b.seq_to
            and (not b.listed or exists (select 1 from batch_items m where m.job_id = i.job_id and m.batch = b.batch and m.seq = i.seq))
            and not exists (select 1 from attempts a where a.job_id = i.job_id and a.seq = i.seq and a.batch = b.batch)
        ),
        case when ${isCancelled} then null else coalesce(last.error_class, 'missing') end,
        case when ${isCancelled} then null else last.error end, 0
      from items i
      left join lateral (
        select batch, round, error_class, error, (count(*) over ())::int as attempts from attempts a
        where a.job_id = i.job_id and a.seq = i.seq order by batch desc limit 1
      ) last on true
      where i.job_id = ${jobId} and i.seq between ${from} and ${to}
        and (select true from outcomes o where o.job_id = i.job_id and o.seq = i.seq) is null
        and exists (select 1 from jobs j where j.id = i.job_id and j.status = 'finalizing')
      on conflict do nothing`
    closed += rows.count
  }
  return closed
}

export interface FinalCounts {
  items: number
  succeeded: number
  failed: number
  expired: number
  cancelled: number
}

/**
 * The job's end. Counts and sums are taken from the rows, not from the counters that grew on the way, and the invariant is checked:
 * each item has exactly one outcome. Throws `invariant_broken` when it does not hold. Safe to repeat.
 */
export async function finalizeJob(database: Database, jobId: string): Promise<{ status: JobStatus; counts: FinalCounts }> {
  return await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    if (job.status !== 'finalizing' && !isTerminalJobStatus(job.status)) {
      // A late try, after the job was opened again: what is open now is not its to close.
      throw new BatchwrightError('job_reopened', `job ${jobId} is ${job.status} again`)
    }
    const [outcomes] = await tx.execute<{
      outcomes: number
      succeeded: number
      failed: number
      expired: number
      cancelled: number
      strangers: number
    }>(sql`
      select count(o.seq)::int as outcomes,
        count(*) filter (where o.status = 'succeeded')::int as succeeded, count(*) filter (where o.status = 'failed')::int as failed,
        count(*) filter (where o.status = 'expired')::int as expired, count(*) filter (where o.status = 'cancelled')::int as cancelled,
        count(*) filter (where i.seq is null)::int as strangers
      from (select seq, status from outcomes where job_id = ${jobId}) o
      full join (select seq from items where job_id = ${jobId}) i on i.seq = o.seq`)
    const [sums] = await tx.execute<{
      attempts: number
      unpriced: number
      input_tokens: string
      output_tokens: string
      cost: string
    }>(sql`
      select count(*) filter (where kind = 'attempt')::int as attempts, count(*) filter (where cost_nanos is null)::int as unpriced,
        coalesce(sum(input_tokens), 0)::text as input_tokens, coalesce(sum(output_tokens), 0)::text as output_tokens, coalesce(sum(cost_nanos), 0)::text as cost
      from (
        select 'outcome' as kind, input_tokens, output_tokens, cost_nanos from outcomes where job_id = ${jobId}
        union all select 'attempt', input_tokens, output_tokens, cost_nanos from attempts where job_id = ${jobId}
      ) all_answers`)
    if (outcomes === undefined || sums === undefined)
      throw new BatchwrightError('internal', 'the counting query returned nothing')
    if (outcomes.outcomes !== job.items || outcomes.strangers !== 0) {
      throw new BatchwrightError(
        'invariant_broken',
        `job ${jobId} has ${job.items} items, ${outcomes.outcomes} outcomes and ${outcomes.strangers} outcomes without an item`,
      )
    }
    const { succeeded, failed, expired, cancelled } = outcomes
    const counts: FinalCounts = { items: job.items, succeeded, failed, expired, cancelled }
    const status: JobStatus = cancelled > 0 ? 'cancelled' : 'completed'
    await tx
      .update(jobs)
      .set({
        status,
        pauseReason: null,
        pauseDetail: null,
        succeeded,
        failed,
        expired,
        cancelled,
        attempts: sums.attempts,
        unpriced: sums.unpriced,
        inputTokens: Number(sums.input_tokens),
        outputTokens: Number(sums.output_tokens),
        costNanos: BigInt(sums.cost),
        endedAt: sql`coalesce(${jobs.endedAt}, now())`,
      })
      .where(eq(jobs.id, jobId))
    if (job.status !== status || job.endedAt === null) await appendEvent(tx, jobId, status, { ...counts })
    return { status, counts }
  })
}

/**
 * Opens a finished (or finishing) job again for `retry`: what did not succeed moves from its outcome to an attempt, and rounds count anew.
 * One transaction, once for each `requestId`. Returns how many items were opened; none changes nothing.
 */
export async function reopenItems(
  database: Database,
  jobId: string,
  classes: readonly string[] | null,
  requestId: string,
): Promise<number> {
  return await database.drizzle.transaction(async (tx) => {
    const job = await loadJob(tx, jobId, 'lock')
    const repeats = await tx.execute(sql`
      select n from events where job_id = ${jobId} and type = 'retried' and data::json ->> 'request_id' = ${requestId}`)
    if (repeats.length > 0) return 0
    const chosen = sql`job_id = ${jobId} and status <> 'succeeded' and (${classes === null} or error_class = any(${sql.param(classes ?? [])}::text[]))`
    const moved = await tx.execute(sql`
      insert into attempts (job_id, seq, batch, round, error_class, error, answer, model, input_tokens, output_tokens, cached_tokens,
        cache_write_tokens, reasoning_tokens, cost_nanos, raw)
      select job_id, seq, batch, round, coalesce(error_class, 'unknown'), coalesce(error, '{}'), answer, model, input_tokens, output_tokens, cached_tokens,
        cache_write_tokens, reasoning_tokens, cost_nanos, raw
      from outcomes where ${chosen} and batch is not null and round is not null
      on conflict do nothing`)
    const [removed] = await tx.execute<{ failed: number; expired: number; cancelled: number }>(sql`
      with removed as (delete from outcomes where ${chosen} returning status)
      select count(*) filter (where status = 'failed')::int as failed, count(*) filter (where status = 'expired')::int as expired,
        count(*) filter (where status = 'cancelled')::int as cancelled
      from removed`)
    // A job that failed as a whole has items without any outcome: those are open already.
    const [left] = await tx.execute<{ unanswered: number }>(sql`
      select count(*)::int as unanswered from items i
      where i.job_id = ${jobId} and (select true from outcomes o where o.job_id = i.job_id and o.seq = i.seq) is null`)
    const opened = left?.unanswered ?? 0
    if (opened === 0) return 0
    await tx
      .update(jobs)
      .set({
        status: 'in_progress',
        cancelRequestedAt: null,
        pauseReason: null,
        pauseDetail: null,
        errorCode: null,
        errorMessage: null,
        endedAt: null,
        firstRound: job.round + 1,
        attempts: sql`${jobs.attempts} + ${moved.count}`,
        failed: sql`${jobs.failed} - ${removed?.failed ?? 0}`,
        expired: sql`${jobs.expired} - ${removed?.expired ?? 0}`,
        cancelled: sql`${jobs.cancelled} - ${removed?.cancelled ?? 0}`,
      })
      .where(eq(jobs.id, jobId))
    await appendEvent(tx, jobId, 'retried', { items: opened, classes, request_id: requestId })
    return opened
  })
}
