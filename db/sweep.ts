import { sql } from 'drizzle-orm'
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

/** Leases that outlived their batch, and tickets of jobs that are over: deleted. Returns how many. */
export async function sweepLeases(database: Database): Promise<number> {
  const leases = await database.drizzle.execute(sql`
    delete from leases l using batches b
    where b.job_id = l.job_id and b.batch = l.batch and (b.status in ('fetching', 'ended')) returning l.batch`)
  const tickets = await database.drizzle.execute(sql`
    delete from tickets t using jobs j
    where j.id = t.job_id and j.status in ('completed', 'failed', 'cancelled', 'expired') returning t.batch`)
  return leases.length + tickets.length
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

/** Open batches of running jobs whose row has not moved for a while: their workflow may be gone. */
export async function listQuietBatches(database: Database, quietMs: number): Promise<Array<{ jobId: string; batch: number }>> {
  return await database.drizzle.execute<{ jobId: string; batch: number } & Record<string, unknown>>(sql`
    select b.job_id as "jobId", b.batch from batches b join jobs j on j.id = b.job_id
    where b.status = 'in_progress' and j.status in ('in_progress', 'cancelling')
      and b.next_poll_at < now() - ${quietMs / 1000} * interval '1 second' limit ${perSweep}`)
}
