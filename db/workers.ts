import { eq, sql } from 'drizzle-orm'
import type { Lane } from '../core/task-queues.ts'
import type { Database } from './database.ts'
import { workers } from './schema.ts'

/** Says that a worker serves these lanes. To be said again, well within the time that readers give it. */
export async function announceWorker(database: Database, id: string, lanes: readonly Lane[]): Promise<void> {
  await database.drizzle.delete(workers).where(sql`${workers.seenAt} < now() - interval '1 day'`)
  if (lanes.length === 0) return
  await database.drizzle
    .insert(workers)
    .values(lanes.map((lane) => ({ id, ...lane })))
    .onConflictDoUpdate({ target: [workers.id, workers.provider, workers.simulated], set: { seenAt: sql`now()` } })
}

/** A worker that stops says so, and is missed at once. */
export async function withdrawWorker(database: Database, id: string): Promise<void> {
  await database.drizzle.delete(workers).where(eq(workers.id, id))
}

/** The lanes that some worker has said to serve within this time. */
export async function listServedLanes(database: Database, withinMs: number): Promise<Lane[]> {
  return await database.drizzle
    .selectDistinct({ provider: workers.provider, simulated: workers.simulated })
    .from(workers)
    .where(sql`${workers.seenAt} > now() - ${withinMs / 1000} * interval '1 second'`)
}

export async function isLaneServed(database: Database, lane: Lane, withinMs: number): Promise<boolean> {
  const served = await listServedLanes(database, withinMs)
  return served.some(({ provider, simulated }) => provider === lane.provider && simulated === lane.simulated)
}
