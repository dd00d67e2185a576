import { and, asc, eq, inArray, sql, type SQL } from 'drizzle-orm'
import { BatchwrightError } from '../core/errors.ts'
import { isTerminalJobStatus, jobStatuses } from '../core/statuses.ts'
import type { Database, Query } from './database.ts'
import { loadJob } from './job-state.ts'
import {
  attempts,
  batches,
  batchItems,
  events,
  items,
  jobs,
  leases,
  outcomes,
  parts,
  rejects,
  submissions,
  tickets,
} from './schema.ts'

const rowsPerDelete = 10_000

/**
 * Deletes a job that is over, with everything about it but its ledger entries (money that is spent stays spent) and submissions whose
 * batch may still turn up at the provider. It is gone at once; its rows go in pages after it, and what breaks off is finished by the
 * janitor. A draft goes as well. Throws `job_not_found` and `job_not_finished`.
 */
export async function deleteJob(database: Database, jobId: string): Promise<void> {
  await database.drizzle.transaction(async (tx) => {
    await requireDeletable(tx, jobId)
    await markDeleted(tx, jobId)
  })
  while (!(await removeRows(database, jobId, { rows: Number.POSITIVE_INFINITY }))) continue
}

/** How many rows may still be deleted in this go; what deletes some takes them off. */
export interface DeletionBudget {
  rows: number
}

/** Finishes deletions that broke off, within the budget. Returns how many. */
export async function finishDeletions(database: Database, budget: DeletionBudget): Promise<number> {
  const rows = await database.drizzle
    .select({ id: jobs.id })
    .from(jobs)
    .where(sql`${jobs.deletedAt} < now() - interval '1 minute'`)
    .orderBy(asc(jobs.deletedAt))
    .limit(100)
  let finished = 0
  for (const { id } of rows) finished += (await removeRows(database, id, budget)) ? 1 : 0
  return finished
}

/**
 * Deletes jobs that ended longer ago than this, oldest first, as `deleteJob` does: a few at a time, and no more rows than the budget has. What it leaves of
 * one is finished by `finishDeletions`. A job for which `isAtWork` says that something still follows its end stays. Returns how many jobs are gone.
 */
export async function deleteEndedJobs(
  database: Database,
  keptMs: number,
  budget: DeletionBudget,
  isAtWork: (jobId: string) => Promise<boolean> = async () => false,
): Promise<number> {
  const limit = sql`now() - ${keptMs / 1000} * interval '1 second'`
  const isOver = sql`${inArray(jobs.status, jobStatuses.filter(isTerminalJobStatus))} and ${jobs.endedAt} < ${limit} and ${jobs.deletedAt} is null
    and not exists (select 1 from ${batches} where ${batches.jobId} = ${jobs.id} and ${batches.status} <> 'ended')`
  // None ends before it was created, and there is an index of that.
  const candidates = await oldestOf(database, sql`${isOver} and ${jobs.createdAt} < ${limit}`)
  let deleted = 0
  for (const { id } of candidates)
    if (hasRoom(deleted, budget) && !(await isAtWork(id)) && (await deleteIf(database, id, isOver, budget))) deleted += 1
  return deleted
}

/** Deletes drafts that nobody has added to for so long, a few at a time. Returns how many are gone. */
export async function deleteStaleDrafts(database: Database, keptMs: number, budget: DeletionBudget): Promise<number> {
  const isStale = sql`${jobs.status} = 'validating' and ${jobs.draft} is not null and ${jobs.deletedAt} is null
    and ${jobs.touchedAt} < now() - ${keptMs / 1000} * interval '1 second'
    and (${jobs.receiving} is null or ${jobs.touchedAt} < now() - ${longestPart}::interval)`
  let deleted = 0
  for (const { id } of await oldestOf(database, isStale))
    if (hasRoom(deleted, budget) && (await deleteIf(database, id, isStale, budget))) deleted += 1
  return deleted
}

function hasRoom(deleted: number, budget: DeletionBudget): boolean {
  return deleted < jobsPerGo && budget.rows > 0
}

async function oldestOf(database: Database, condition: SQL): Promise<Array<{ id: string }>> {
  return await database.drizzle
    .select({ id: jobs.id })
    .from(jobs)
    .where(condition)
    .orderBy(asc(jobs.createdAt), asc(jobs.id))
    .limit(candidatesPerGo)
}

/** The list is a moment old: a `retry` may have opened the job since, a part may have come, or either may be about to. */
async function deleteIf(database: Database, jobId: string, condition: SQL, budget: DeletionBudget): Promise<boolean> {
  const isGone = await database.drizzle.transaction(async (tx) => {
    const [job] = await tx
      .select({ id: jobs.id })
      .from(jobs)
      .where(sql`${jobs.id} = ${jobId} and ${condition}`)
      .for('update', { skipLocked: true })
    if (job === undefined) return false
    await markDeleted(tx, jobId)
    return true
  })
  if (isGone) await removeRows(database, jobId, budget)
  return isGone
}

const jobsPerGo = 25
/** Most of those that are looked at may have something to follow their end. */
const candidatesPerGo = 200
/** Nobody brings one part for so long; what still says so was left by a request that died. */
const longestPart = '1 day'

async function markDeleted(tx: Query, jobId: string): Promise<void> {
  await tx
    .update(jobs)
    .set({ deletedAt: sql`now()`, idempotencyKey: null })
    .where(eq(jobs.id, jobId))
}

/**
 * In pages, as far as the budget goes. Returns whether nothing is left. Two may be at it at once: a page that the other one took is no end, so the job's row,
 * without which nobody would look for the rest, goes only when there are no others.
 */
async function removeRows(database: Database, jobId: string, budget: DeletionBudget): Promise<boolean> {
  for (const table of ['outcomes', 'attempts', 'batch_items', 'items', 'rejects'] as const) {
    for (let deleted = rowsPerDelete; deleted >= rowsPerDelete;) {
      if (budget.rows <= 0) return false
      const rows = await database.drizzle.execute(sql`
        delete from ${pagedTables[table]} where ctid = any(array(select ctid from ${pagedTables[table]} where job_id = ${jobId} limit ${rowsPerDelete}))`)
      deleted = rows.count
      budget.rows -= deleted
    }
  }
  return await database.drizzle.transaction(async (tx) => {
    const [left] = await tx.execute<{ remain: boolean }>(
      sql`select ${sql.join(
        Object.values(pagedTables).map((table) => sql`exists (select 1 from ${table} where job_id = ${jobId})`),
        sql` or `,
      )} as remain`,
    )
    if (left?.remain === true) return false
    await tx.delete(batches).where(eq(batches.jobId, jobId))
    // Those that `listPossibleTwins` follows stay: what they left at the provider is billed all the same. An abandoned one whose batch is known
    // was followed to its end.
    await tx.delete(submissions).where(
      and(
        eq(submissions.jobId, jobId),
        sql`${submissions.state} <> 'absent'`,
        // Whose batch it is must stay known while another one may be told by the same looks.
        sql`(${submissions.lookAlike} is null or ${submissions.providerBatchId} is null)`,
        sql`not (${submissions.state} = 'abandoned' and ${submissions.providerBatchId} is null)`,
      ),
    )
    await tx.delete(tickets).where(eq(tickets.jobId, jobId))
    await tx.delete(leases).where(eq(leases.jobId, jobId))
    await tx.delete(events).where(eq(events.jobId, jobId))
    await tx.delete(parts).where(eq(parts.jobId, jobId))
    await tx.delete(jobs).where(eq(jobs.id, jobId))
    return true
  })
}

const pagedTables = { outcomes, attempts, batch_items: batchItems, items, rejects }

/** Under the job's lock, so that a `retry` can't start while its rows go. */
async function requireDeletable(query: Query, jobId: string): Promise<void> {
  const job = await loadJob(query, jobId, 'lock')
  if (job.status === 'validating') {
    if (job.draft !== null) return
    throw new BatchwrightError('upload_in_progress', `job ${jobId} is still being uploaded`)
  }
  if (!isTerminalJobStatus(job.status)) {
    throw new BatchwrightError(
      'job_not_finished',
      `job ${jobId} is ${job.status}: cancel it first, and delete it when it has ended`,
    )
  }
  if (await hasOpenBatch(query, jobId)) {
    throw new BatchwrightError(
      'job_not_finished',
      `job ${jobId} still has a batch at the provider, which is being cancelled: try again in a minute`,
    )
  }
}

async function hasOpenBatch(query: Query, jobId: string): Promise<boolean> {
  const open = await query
    .select({ batch: batches.batch })
    .from(batches)
    .where(and(eq(batches.jobId, jobId), sql`${batches.status} <> 'ended'`))
    .limit(1)
  return open.length > 0
}
