import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import postgres from 'postgres'
import { BatchwrightError } from '../core/errors.ts'
import type { Endpoint } from '../core/job-spec.ts'
import type { Database, Query } from './database.ts'
import { appendEvent } from './job-events.ts'
import type { JobRow } from './job-state.ts'
import { items, jobs, rejects } from './schema.ts'

/*
 * A job while its items come in. Its row is `validating`, claims the idempotency key, and is worth nothing until `finishUpload`. (A draft is worth
 * keeping: `drafts.ts`.) Who uploads holds an advisory lock keyed by the job id; a `validating` job whose lock is free was left by a process that died, so no
 * clock has to guess.
 */

/** The locks of all uploads of this process, held by one connection: they end with the process, however it ends. */
export interface UploadLocks {
  acquire(jobId: string): Promise<void>
  release(jobId: string): Promise<void>
  close(): Promise<void>
}

/** Connects with the first upload. */
export function createUploadLocks(database: Database): UploadLocks {
  // One connection that is never closed for being idle or old. If it is lost, the next upload opens another; an upload that had its lock
  // there goes on, unless somebody takes it for abandoned meanwhile.
  const client = postgres({
    ...database.sql.options,
    max: 1,
    idle_timeout: null,
    max_lifetime: null,
    fetch_types: false,
  } as object)
  return {
    async acquire(jobId) {
      await client`select pg_advisory_lock(${lockKey(client, jobId)})`
    },
    async release(jobId) {
      await client`select pg_advisory_unlock(${lockKey(client, jobId)})`
    },
    close: () => client.end({ timeout: 5 }),
  }
}

function lockKey(sqlClient: postgres.Sql | postgres.TransactionSql<{ bigint: bigint }>, jobId: string) {
  return (sqlClient as postgres.Sql)`hashtextextended(${`batchwright upload ${jobId}`}, 0)`
}

export type NewJob = Pick<
  JobRow,
  'id' | 'tenant' | 'idempotencyKey' | 'name' | 'provider' | 'model' | 'endpoint' | 'simulated' | 'spec' | 'tags' | 'priority'
> &
  Partial<Pick<JobRow, 'draft' | 'contentHash'>>

export type IfExists = 'error' | 'attach'

export type Claim =
  | { outcome: 'claimed' }
  /** A job with this key was created before; whether it is the same one, its content tells. */
  | { outcome: 'exists'; jobId: string; contentHash: string | null }
  /** A job with this name is there, which was asked for. */
  | { outcome: 'attached'; jobId: string }

/**
 * Creates the job's row. The caller holds its lock already. Throws `upload_in_progress` when another upload with the same key is
 * under way.
 */
export async function claimUpload(database: Database, job: NewJob, ifExists: IfExists | null = null): Promise<Claim> {
  for (;;) {
    const inserted = await database.drizzle.transaction(async (tx) => {
      const namesake =
        ifExists === null || job.name === null ? null : await findNamesake(tx, job.tenant, job.name, job.idempotencyKey)
      if (namesake !== null) return namesake
      return await tx
        .insert(jobs)
        .values({ ...job, status: 'validating', ...(job.draft == null ? {} : { touchedAt: sql`now()` }) })
        .onConflictDoNothing({ target: [jobs.tenant, jobs.idempotencyKey] })
        .returning({ id: jobs.id })
    })
    if (!Array.isArray(inserted)) {
      if (inserted.status === 'validating' && !inserted.isDraft) {
        if (await removeIfAbandoned(database, inserted.id)) continue
        throw new BatchwrightError('upload_in_progress', `a job named "${job.name}" is being uploaded: wait for it to end`, {
          details: { job_id: inserted.id },
        })
      }
      if (ifExists === 'attach') return { outcome: 'attached', jobId: inserted.id }
      throw new BatchwrightError(
        'job_exists',
        `there is a job named "${job.name}" already: ${inserted.id} (${inserted.status})`,
        {
          details: { job_id: inserted.id },
        },
      )
    }
    if (inserted.length > 0) return { outcome: 'claimed' }
    const [other] = await database.drizzle
      .select({ id: jobs.id, status: jobs.status, contentHash: jobs.contentHash, draft: jobs.draft })
      .from(jobs)
      .where(and(eq(jobs.tenant, job.tenant), eq(jobs.idempotencyKey, job.idempotencyKey as string)))
    // Removed between the two statements: its key is free now.
    if (other === undefined) continue
    if (other.status !== 'validating' || other.draft !== null)
      return { outcome: 'exists', jobId: other.id, contentHash: other.contentHash }
    if (!(await removeIfAbandoned(database, other.id))) {
      throw new BatchwrightError('upload_in_progress', 'an upload with this idempotency key is under way: wait for it to end', {
        details: { job_id: other.id },
      })
    }
  }
}

/**
 * The newest job of this name, but for the one that this very request made before. Whoever asks holds the name until the end of the transaction, so that
 * of two who ask at once only one finds nothing.
 */
async function findNamesake(
  tx: Query,
  tenant: string,
  name: string,
  idempotencyKey: string | null,
): Promise<{ id: string; status: JobRow['status']; isDraft: boolean } | null> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`batchwright name ${tenant} ${name}`}, 0))`)
  const [found] = await tx
    .select({
      id: jobs.id,
      status: jobs.status,
      key: jobs.idempotencyKey,
      isDraft: sql<boolean>`${jobs.draft} is not null`,
    })
    .from(jobs)
    .where(and(eq(jobs.tenant, tenant), eq(jobs.name, name), sql`${jobs.deletedAt} is null`))
    .orderBy(desc(jobs.createdAt))
    .limit(1)
  return found === undefined || (idempotencyKey !== null && found.key === idempotencyKey) ? null : found
}

export interface FinishedUpload {
  items: number
  rejected: number
  inputBytes: number
  contentHash: string
  /** Of all items; null when they differ. */
  model: string | null
  endpoint: Endpoint | null
  mixed: boolean
  itemSchemas: boolean
}

/** Makes the job `queued`: the one moment at which it begins to exist. Throws `upload_lost` when it was removed meanwhile. */
export async function finishUpload(database: Database, jobId: string, upload: FinishedUpload): Promise<void> {
  await database.drizzle.transaction(async (tx) => await queueUpload(tx, jobId, upload))
}

/** The same within a transaction. Of a draft the content hash is known before. */
export async function queueUpload(
  tx: Query,
  jobId: string,
  upload: Omit<FinishedUpload, 'contentHash'> & Partial<Pick<FinishedUpload, 'contentHash'>>,
): Promise<void> {
  // Chunks are committed without waiting for the disk: a crash of Postgres between two of them takes away what was acknowledged to us.
  const [stored] = await tx
    .select({ count: sql<number>`count(*)::int`, last: sql<number>`coalesce(max(${items.seq}), 0)` })
    .from(items)
    .where(eq(items.jobId, jobId))
  if (stored?.count !== upload.items || stored.last !== upload.items)
    throw new BatchwrightError(
      'upload_lost',
      'Postgres was restarted while the items came in, and lost some of them: send it again',
    )
  const updated = await tx
    .update(jobs)
    .set({ ...upload, status: 'queued', queuedAt: sql`now()` })
    .where(and(eq(jobs.id, jobId), eq(jobs.status, 'validating')))
    .returning({ id: jobs.id })
  if (updated.length === 0)
    throw new BatchwrightError('upload_lost', 'the upload was taken for abandoned and removed: send it again')
  await appendEvent(tx, jobId, 'queued', {
    items: upload.items,
    input_bytes: upload.inputBytes,
    ...(upload.rejected === 0 ? {} : { rejected: upload.rejected }),
  })
}

/**
 * Removes an upload with all its items, and frees its key. One transaction, so that whoever uploads can't finish a job whose items are
 * going: it finds the job gone instead. A job that is no upload any more is left alone.
 */
export async function discardUpload(database: Database, jobId: string): Promise<void> {
  await database.drizzle.transaction(async (tx) => {
    // Waits for a chunk that is being written; nothing is written after it.
    const [job] = await tx
      .select({ id: jobs.id })
      .from(jobs)
      .where(and(eq(jobs.id, jobId), eq(jobs.status, 'validating'), isNull(jobs.draft)))
      .for('update')
    if (job === undefined) return
    await tx.delete(items).where(eq(items.jobId, jobId))
    await tx.delete(rejects).where(eq(rejects.jobId, jobId))
    await tx.delete(jobs).where(eq(jobs.id, jobId))
  })
}

/** Removes uploads whose process died, if they began at least this long ago. Returns how many. */
export async function removeStaleUploads(database: Database, olderThanMs: number): Promise<number> {
  const candidates = await database.drizzle
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        eq(jobs.status, 'validating'),
        isNull(jobs.draft),
        sql`${jobs.createdAt} <= now() - ${olderThanMs / 1000} * interval '1 second'`,
      ),
    )
    .limit(1000)
  let removed = 0
  for (const { id } of candidates) removed += (await removeIfAbandoned(database, id)) ? 1 : 0
  return removed
}

async function removeIfAbandoned(database: Database, jobId: string): Promise<boolean> {
  return await database.sql.begin(async (tx) => {
    const [tried] = await tx<{ free: boolean }[]>`select pg_try_advisory_xact_lock(${lockKey(tx, jobId)}) as free`
    if (tried?.free !== true) return false
    await discardUpload(database, jobId)
    return true
  })
}
