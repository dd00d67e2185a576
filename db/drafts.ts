import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { BatchwrightError } from '../core/errors.ts'
import type { Database, Query } from './database.ts'
import { loadJob, type JobRow } from './job-state.ts'
import { items, jobs, parts, rejects, type DraftState } from './schema.ts'
import { takenOver } from './upload-target.ts'
import { queueUpload, type FinishedUpload } from './uploads.ts'

/*
 * A job whose items come in numbered parts. It is `validating` until it is started, whoever sends or dies meanwhile. A part is there wholly or not
 * at all: its row in `parts` says so, and what is stored beyond the job's counters is removed before anything else is stored. `receiving` names the
 * one request that may store items; a later one takes it over, so no clock decides whether the earlier one is still alive.
 */

export type DraftJob = JobRow & { draft: DraftState }

/** A part that is stored. */
export type StoredPart = typeof parts.$inferSelect

/** Throws `job_not_found`, and `job_not_draft` for a job that came whole. One that was a draft may have been started. */
export async function loadDraft(query: Query, jobId: string, lock: 'lock' | 'read' = 'read'): Promise<DraftJob> {
  const job = await loadJob(query, jobId, lock)
  if (job.draft === null) throw notDraft(job, 'was created with its items: create a draft to add items')
  return { ...job, draft: job.draft }
}

/** The same under its lock, of one that can still be added to; throws `job_not_draft` for others. */
async function lockOpenDraft(query: Query, jobId: string): Promise<DraftJob> {
  const draft = await loadDraft(query, jobId, 'lock')
  requireOpen(draft)
  return draft
}

function requireOpen(draft: DraftJob): void {
  if (draft.status !== 'validating') throw notDraft(draft, `was started already (${draft.status})`)
}

/**
 * The part of this number that is stored, also when the job was started since, or the job that `receiving` may now store it for. Throws `part_out_of_order` for one that is not the next, and
 * what `loadDraft` throws.
 */
export async function claimPart(
  database: Database,
  jobId: string,
  part: number,
  receiving: string,
): Promise<{ stored: StoredPart } | { draft: DraftJob }> {
  return await database.drizzle.transaction(async (tx) => {
    const draft = await loadDraft(tx, jobId, 'lock')
    const [stored] = await tx
      .select()
      .from(parts)
      .where(and(eq(parts.jobId, jobId), eq(parts.part, part)))
    if (stored !== undefined) return { stored }
    requireOpen(draft)
    const next = draft.draft.parts + 1
    if (part !== next) {
      throw new BatchwrightError('part_out_of_order', `part ${part} can't be taken: the next one of job ${jobId} is ${next}`, {
        details: { job_id: jobId, next_part: next },
      })
    }
    await removeUnfinished(tx, draft)
    await tx
      .update(jobs)
      .set({ receiving, touchedAt: sql`now()` })
      .where(eq(jobs.id, jobId))
    return { draft }
  })
}

/** In their order, after this number. */
export async function listParts(database: Database, jobId: string, after: number, limit: number): Promise<StoredPart[]> {
  return await database.drizzle
    .select()
    .from(parts)
    .where(and(eq(parts.jobId, jobId), gt(parts.part, after)))
    .orderBy(asc(parts.part))
    .limit(limit)
}

/** What a part adds. */
export interface PartContent {
  part: number
  contentHash: string
  items: number
  rejected: number
  lines: number
  bytes: number
  /** Of all lines so far. */
  summary: unknown
}

/** Makes a part stay. Throws `upload_broken` when another request took over, and `upload_lost` when Postgres lost some of it. */
export async function finishPart(
  database: Database,
  jobId: string,
  receiving: string,
  content: PartContent,
): Promise<StoredPart> {
  const { part, contentHash, items: added, rejected, lines, bytes, summary } = content
  return await database.drizzle.transaction(async (tx) => {
    const draft = await lockOpenDraft(tx, jobId)
    if (draft.receiving !== receiving) throw takenOver()
    const [counted] = await tx
      .select({ count: sql<number>`count(*)::int`, last: sql<number>`coalesce(max(${items.seq}), ${draft.items})` })
      .from(items)
      .where(and(eq(items.jobId, jobId), gt(items.seq, draft.items)))
    if (counted?.count !== added || counted.last !== draft.items + added)
      throw new BatchwrightError(
        'upload_lost',
        'Postgres was restarted while the items came in, and lost some of them: send the part again',
      )
    const [stored] = await tx.insert(parts).values({ jobId, part, contentHash, items: added, rejected }).returning()
    const state: DraftState = { ...draft.draft, parts: part, lines: draft.draft.lines + lines, summary }
    await tx
      .update(jobs)
      .set({
        items: draft.items + added,
        rejected: draft.rejected + rejected,
        inputBytes: draft.inputBytes + bytes,
        receiving: null,
        touchedAt: sql`now()`,
        draft: state,
      })
      .where(eq(jobs.id, jobId))
    return stored as StoredPart
  })
}

/** Removes what a part that failed has stored, if no other request has taken over. */
export async function releasePart(database: Database, jobId: string, receiving: string): Promise<void> {
  await database.drizzle.transaction(async (tx) => {
    const draft = await lockOpenDraft(tx, jobId)
    if (draft.receiving !== receiving) return
    await removeUnfinished(tx, draft)
    await tx.update(jobs).set({ receiving: null }).where(eq(jobs.id, jobId))
  })
}

/**
 * Makes a draft `queued`. A part that is still coming in is refused from then on. With `expected`, throws `parts_missing` when there are not so many
 * parts. A draft that was started before is left as it is. Throws `job_not_draft` for another job, and `empty_input`.
 */
export async function startDraft(
  database: Database,
  jobId: string,
  expected: number | null,
  finished: (draft: DraftJob) => Pick<FinishedUpload, 'model' | 'endpoint' | 'mixed' | 'itemSchemas'>,
): Promise<void> {
  await database.drizzle.transaction(async (tx) => {
    const draft = await loadDraft(tx, jobId, 'lock')
    if (draft.status !== 'validating') return
    if (expected !== null && expected !== draft.draft.parts) {
      throw new BatchwrightError('parts_missing', `job ${jobId} has ${draft.draft.parts} of ${expected} parts`, {
        details: { job_id: jobId, parts: draft.draft.parts },
      })
    }
    if (draft.items === 0)
      throw new BatchwrightError('empty_input', `job ${jobId} has no items: send a part of them first, then start it`)
    await removeUnfinished(tx, draft)
    await tx.update(jobs).set({ receiving: null }).where(eq(jobs.id, jobId))
    await queueUpload(tx, jobId, {
      items: draft.items,
      rejected: draft.rejected,
      inputBytes: draft.inputBytes,
      ...finished(draft),
    })
  })
}

/** The row is locked for update by the caller, so no chunk is being written. */
async function removeUnfinished(tx: Query, { id, items: seq, draft, receiving }: DraftJob): Promise<void> {
  if (receiving === null) return
  await tx.delete(items).where(and(eq(items.jobId, id), gt(items.seq, seq)))
  await tx.delete(rejects).where(and(eq(rejects.jobId, id), gt(rejects.line, draft.lines)))
}

function notDraft(job: JobRow, reason: string): BatchwrightError {
  return new BatchwrightError('job_not_draft', `job ${job.id} ${reason}`, {
    details: { job_id: job.id, job_status: job.status },
  })
}
