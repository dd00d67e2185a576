import { and, asc, eq, gt, sql } from 'drizzle-orm'
import type { Database, Query } from './database.ts'
import { events, jobs } from './schema.ts'

/** The channel that announces new events; the payload is `<job id> <n>` and nothing else. */
export const jobEventsChannel = 'batchwright_job_events'

export interface JobEvent {
  n: number
  type: string
  data: Record<string, unknown>
  createdAt: Date
}

/**
 * Appends an event. Takes the job's row lock to number it, so within a transaction it is called last of all row locks but
 * those of the same job; readers that have seen n have seen all before it. Returns n, or null when the job is gone.
 */
export async function appendEvent(
  query: Query,
  jobId: string,
  type: string,
  data: Record<string, unknown> = {},
): Promise<number | null> {
  const [job] = await query
    .update(jobs)
    .set({ eventCount: sql`${jobs.eventCount} + 1` })
    .where(eq(jobs.id, jobId))
    .returning({ n: jobs.eventCount })
  if (job === undefined) return null
  await query.insert(events).values({ jobId, n: job.n, type, data: JSON.stringify(data) })
  await query.execute(sql`select pg_notify(${jobEventsChannel}, ${`${jobId} ${job.n}`})`)
  return job.n
}

/** Events after `afterN`, in order. */
export async function listEvents(query: Query, jobId: string, afterN: number, limit: number): Promise<JobEvent[]> {
  const rows = await query
    .select()
    .from(events)
    .where(and(eq(events.jobId, jobId), gt(events.n, afterN)))
    .orderBy(asc(events.n))
    .limit(limit)
  return rows.map((row) => ({
    n: row.n,
    type: row.type,
    data: JSON.parse(row.data) as Record<string, unknown>,
    createdAt: row.createdAt,
  }))
}

/**
 * Calls `onEvent` for every event announced from now on, of any job. After a lost connection `onReconnect` is called: announcements may
 * have been missed, so readers catch up from the table.
 */
export async function listenForEvents(
  database: Database,
  onEvent: (jobId: string, n: number) => void,
  onReconnect: () => void,
): Promise<{ stop: () => Promise<void> }> {
  let listening = false
  const subscription = await database.sql.listen(
    jobEventsChannel,
    (payload) => {
      const [jobId, n] = payload.split(' ')
      if (jobId !== undefined && n !== undefined) onEvent(jobId, Number(n))
    },
    () => {
      if (listening) onReconnect()
      listening = true
    },
  )
  return { stop: () => subscription.unlisten() }
}
