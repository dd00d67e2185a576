import { and, asc, eq, gt } from 'drizzle-orm'
import type { Database } from './database.ts'
import { rejects } from './schema.ts'
import { holdUpload, type UploadTarget } from './upload-target.ts'

/** A line of a job's input that was left out. */
export type Reject = Omit<typeof rejects.$inferSelect, 'jobId'>

/** Keeps lines of a job that is being uploaded. Throws what `holdUpload` throws. */
export async function keepRejects(database: Database, target: UploadTarget, lines: readonly Reject[]): Promise<void> {
  if (lines.length === 0) return
  const { jobId } = target
  await database.sql.begin(async (tx) => {
    await holdUpload(tx, target)
    await tx`insert into rejects ${tx(lines.map(({ line, field, reason, text }) => ({ job_id: jobId, line, field, reason, text })))} on conflict do nothing`
  })
}

/** In the order of the input, after this line. */
export async function listRejects(database: Database, jobId: string, afterLine: number, limit: number): Promise<Reject[]> {
  return await database.drizzle
    .select({ line: rejects.line, field: rejects.field, reason: rejects.reason, text: rejects.text })
    .from(rejects)
    .where(and(eq(rejects.jobId, jobId), gt(rejects.line, afterLine)))
    .orderBy(asc(rejects.line))
    .limit(limit)
}
