import { sql } from 'drizzle-orm'
import type { ProviderCapacity } from '../core/admission.ts'
import { grantNext, laneOf, lockLane, type Granted } from './admission.ts'
import type { Database } from './database.ts'

/** What the janitor looks for; every query is bounded and reads indexes of open rows only. */

export interface QueuedJob extends Record<string, unknown> {
  id: string
  name: string | null
  provider: string
}

const perSweep = 1000

/** Jobs that have been queued for a while without being started. */
export async function listStuckQueuedJobs(database: Database, olderThanMs: number): Promise<QueuedJob[]> {
  return await database.drizzle.execute<QueuedJob>(sql`
    select id, name, provider from jobs
    where status = 'queued' and queued_at < now() - ${olderThanMs / 1000} * interval '1 second' order by queued_at limit ${perSweep}`)
}

/** Jobs that should have a running workflow. */
export async function* listOpenJobs(database: Database): AsyncGenerator<QueuedJob[]> {
  for (let after = ''; ;) {
    const page: QueuedJob[] = await database.drizzle.execute<QueuedJob>(sql`
      select id, name, provider from jobs
      where status in ('queued', 'in_progress', 'finalizing', 'cancelling', 'paused') and deleted_at is null and id > ${after} order by id limit ${perSweep}`)
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last.id
  }
}

/**
 * Deletes leases that outlived their batch and tickets of jobs that are over, of one provider, and passes its free room on: also what a worker
 * without this provider gave back. The caller tells the granted.
 */
export async function sweepLeases(
  database: Database,
  provider: string,
  simulated: boolean,
  capacity: ProviderCapacity | null,
): Promise<{ swept: number; granted: Granted[] }> {
  const lane = laneOf(provider, simulated)
  return await database.drizzle.transaction(async (tx) => {
    await lockLane(tx, lane)
    const leases = await tx.execute(sql`
      delete from leases l using batches b
      where l.lane = ${lane} and b.job_id = l.job_id and b.batch = l.batch and b.status in ('fetching', 'ended') returning l.batch`)
    const tickets = await tx.execute(sql`
      delete from tickets t using jobs j
      where t.lane = ${lane} and j.id = t.job_id and j.status in ('completed', 'failed', 'cancelled', 'expired') returning t.batch`)
    return { swept: leases.length + tickets.length, granted: await grantNext(tx, lane, capacity) }
  })
}

export interface OrphanedBatch extends Record<string, unknown> {
  jobId: string
  batch: number
  providerBatchId: string | null
}

/** Open batches of jobs that are over: nobody waits for them any more. */
export async function listOrphanedBatches(database: Database, provider: string, simulated: boolean): Promise<OrphanedBatch[]> {
  return await database.drizzle.execute<OrphanedBatch>(sql`
    select b.job_id as "jobId", b.batch, b.provider_batch_id as "providerBatchId" from batches b join jobs j on j.id = b.job_id
    where b.status <> 'ended' and b.provider = ${provider} and b.simulated = ${simulated}
      and j.status in ('completed', 'failed', 'cancelled', 'expired') limit ${perSweep}`)
}

/**
 * Open batches that should have a running workflow, in pages. Those that wait for room are not among them: their job starts a hundred at a time, and
 * one that gets room holds a lease. In a paused job, too: what runs is paid for.
 */
export async function* listBatchesUnderWay(database: Database): AsyncGenerator<Array<{ jobId: string; batch: number }>> {
  for (let after = { jobId: '', batch: 0 }; ;) {
    const page = await database.drizzle.execute<{ jobId: string; batch: number } & Record<string, unknown>>(sql`
      select b.job_id as "jobId", b.batch from batches b join jobs j on j.id = b.job_id
      where b.status <> 'ended' and j.status in ('in_progress', 'cancelling', 'paused') and (b.job_id, b.batch) > (${after.jobId}, ${after.batch})
        and (b.status <> 'planned' or exists (select 1 from leases l where l.job_id = b.job_id and l.batch = b.batch))
      order by b.job_id, b.batch limit ${perSweep}`)
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last
  }
}
