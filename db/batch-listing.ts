import { and, asc, eq, gt, inArray, ne, sql } from 'drizzle-orm'
import type { Lane } from '../core/task-queues.ts'
import type { BatchRow } from './batches.ts'
import type { Database } from './database.ts'
import { batches, submissions } from './schema.ts'
import type { SubmissionRow } from './submissions.ts'

export interface ListedBatch {
  batch: BatchRow
  /** Oldest first. */
  submissions: SubmissionRow[]
}

/** Batches after number `afterBatch`, in order. */
export async function listBatches(database: Database, jobId: string, afterBatch: number, limit: number): Promise<ListedBatch[]> {
  const rows = await database.drizzle
    .select()
    .from(batches)
    .where(and(eq(batches.jobId, jobId), gt(batches.batch, afterBatch)))
    .orderBy(asc(batches.batch))
    .limit(limit)
  if (rows.length === 0) return []
  const tries = await database.drizzle
    .select()
    .from(submissions)
    .where(
      and(
        eq(submissions.jobId, jobId),
        inArray(
          submissions.batch,
          rows.map((row) => row.batch),
        ),
      ),
    )
    .orderBy(asc(submissions.id))
  const byBatch = Map.groupBy(tries, (row) => row.batch)
  return rows.map((batch) => ({ batch, submissions: byBatch.get(batch.batch) ?? [] }))
}

/** Of all jobs, those that have not ended: planned, at the provider, or being read. */
export async function countOpenBatches(database: Database): Promise<Array<Lane & { batches: number }>> {
  return await database.drizzle
    .select({ provider: batches.provider, simulated: batches.simulated, batches: sql<number>`count(*)::int` })
    .from(batches)
    .where(ne(batches.status, 'ended'))
    .groupBy(batches.provider, batches.simulated)
}
