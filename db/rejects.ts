import { and, asc, eq, gt } from 'drizzle-orm'
import type { Database } from './database.ts'
import { rejects } from './schema.ts'

/** A line of a job's input that was left out. */
export type Reject = Omit<typeof rejects.$inferSelect, 'jobId'>

/** Keeps lines of a job that is being uploaded. A line that is kept already stays as it is. */
export async function keepRejects(database: Database, jobId: string, lines: readonly Reject[]): Promise<void> {
  if (lines.length === 0) return
  await database.drizzle
    .insert(rejects)
    .values(lines.map((reject) => ({ ...reject, jobId })))
    .onConflictDoNothing()
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
