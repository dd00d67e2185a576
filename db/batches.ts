import { and, asc, eq, gt, isNotNull, isNull, ne, or, sql } from 'drizzle-orm'
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core'
import { BatchwrightError } from '../core/errors.ts'
import type { Query, Sql } from './database.ts'
import { batches, batchItems, items, leases } from './schema.ts'

export type BatchRow = typeof batches.$inferSelect

/** Throws `batch_not_found`. */
export async function loadBatch(query: Query, jobId: string, batch: number, lock: 'lock' | 'read' = 'read'): Promise<BatchRow> {
  const select = query
    .select()
    .from(batches)
    .where(and(eq(batches.jobId, jobId), eq(batches.batch, batch)))
  const [row] = await (lock === 'lock' ? select.for('update') : select)
  if (row === undefined) throw new BatchwrightError('batch_not_found', `job ${jobId} has no batch ${batch}`)
  return row
}

export async function listOpenBatches(query: Query, jobId: string): Promise<BatchRow[]> {
  return await query
    .select()
    .from(batches)
    .where(and(eq(batches.jobId, jobId), ne(batches.status, 'ended')))
    .orderBy(asc(batches.batch))
}

/** The numbers of a job's open batches, `limit` of them at most. */
export async function openBatchNumbers(query: Query, jobId: string, limit: number): Promise<number[]> {
  const rows = await query
    .select({ batch: batches.batch })
    .from(batches)
    .where(and(eq(batches.jobId, jobId), ne(batches.status, 'ended')))
    .orderBy(asc(batches.batch))
    .limit(limit)
  return rows.map(({ batch }) => batch)
}

/** Whether something of a round has been sent already, or is being sent. */
export async function isRoundUnderWay(query: Query, jobId: string, round: number): Promise<boolean> {
  const rows = await query
    .select({ batch: batches.batch })
    .from(batches)
    .where(and(eq(batches.jobId, jobId), eq(batches.round, round), or(ne(batches.status, 'planned'), gt(batches.attempt, 0))))
    .limit(1)
  return rows.length > 0
}

/** The batches that go on with the items of this one, in the same round. */
export async function listParts(query: Query, jobId: string, batch: number): Promise<number[]> {
  const rows = await query
    .select({ batch: batches.batch })
    .from(batches)
    .where(and(eq(batches.jobId, jobId), eq(batches.splitFrom, batch)))
  return rows.map((row) => row.batch)
}

export async function updateBatch(
  query: Query,
  jobId: string,
  batch: number,
  change: PgUpdateSetSource<typeof batches>,
): Promise<void> {
  await query
    .update(batches)
    .set(change)
    .where(and(eq(batches.jobId, jobId), eq(batches.batch, batch)))
}

/** An item as it is sent. */
export interface StoredItem {
  seq: number
  /**
   * UTF-8. Pages of strings would be what most of V8's time goes into: they live long enough to be moved to the old heap, whereas the string of one line
   * is gone before anybody looks.
   */
  line: Buffer
}

/**
 * The items of a batch in seq order, a page at a time; no connection is held between pages. While a page is worked on, the next one is read: there are
 * two in memory at most, besides what the reader keeps.
 */
export async function* readBatchItems(sqlClient: Sql, batch: BatchRow, pageBytes = 2_000_000): AsyncGenerator<StoredItem[]> {
  let reading: Promise<StoredItem[]> | null = readPage(sqlClient, batch, batch.seqFrom - 1, pageBytes)
  while (reading !== null) {
    const page: StoredItem[] = await reading
    const last = page.at(-1)
    if (last === undefined) return
    reading = last.seq < batch.seqTo ? readPage(sqlClient, batch, last.seq, pageBytes) : null
    // It fails where it is awaited, and nowhere when the reader stopped before.
    reading?.catch(() => {})
    yield page
  }
}

/** Items of a page at most. */
const itemsPerPage = 1000

/** A page ends where the sizes of its items add up to `pageBytes`: how long the next lines are is known before they are read. */
async function readPage(sqlClient: Sql, batch: BatchRow, after: number, pageBytes: number): Promise<StoredItem[]> {
  const { jobId } = batch
  const members = batch.listed
    ? sqlClient`
        select i.seq, i.bytes from batch_items b join items i on i.job_id = b.job_id and i.seq = b.seq
        where b.job_id = ${jobId} and b.batch = ${batch.batch} and b.seq > ${after} order by b.seq limit ${itemsPerPage}`
    : sqlClient`
        select seq, bytes from items
        where job_id = ${jobId} and seq > ${after} and seq <= ${batch.seqTo} order by seq limit ${itemsPerPage}`
  const rows = await sqlClient`
    with sized as (select seq, sum(bytes) over (order by seq) - bytes as before from (${members}) m)
    select i.seq, i.line from sized s join items i on i.job_id = ${jobId} and i.seq = s.seq
    where s.before < ${pageBytes} order by i.seq`.raw()
  return rows.map(toStoredItem)
}

/** From a row of `seq, line`, as Postgres wrote it. */
export function toStoredItem(row: unknown[]): StoredItem {
  const [seq, line] = row as [Buffer, Buffer]
  return { seq: Number(seq.toString()), line }
}

/** What an upload made. */
export interface Upload {
  attempt: number
  token: string
  inputFileId: string | null
  requestHash: string
  keyFingerprint: string
}

/** Makes an upload the batch's own, unless another try was faster: that one's token and file count then. Returns whether it took effect. */
export async function recordUpload(query: Query, batch: BatchRow, upload: Upload): Promise<boolean> {
  const rows = await query
    .update(batches)
    .set({ ...upload, status: 'submitting' })
    .where(
      and(
        eq(batches.jobId, batch.jobId),
        eq(batches.batch, batch.batch),
        eq(batches.attempt, batch.attempt),
        eq(batches.status, 'planned'),
        // Its room may have been given to others meanwhile, because its job was paused.
        sql`exists (select 1 from ${leases} l where l.job_id = ${batch.jobId} and l.batch = ${batch.batch})`,
      ),
    )
    .returning({ batch: batches.batch })
  return rows.length > 0
}

/**
 * Whether no other batch of ours of the same model was at the provider since then. Providers stamp in whole seconds, so one that ended within
 * the second before counts as well.
 */
export async function wasAlone(query: Query, batch: BatchRow, since: Date): Promise<boolean> {
  const rows = await query
    .select({ batch: batches.batch })
    .from(batches)
    .where(
      and(
        eq(batches.provider, batch.provider),
        eq(batches.simulated, batch.simulated),
        eq(batches.model, batch.model),
        sql`(${batches.jobId}, ${batches.batch}) <> (${batch.jobId}, ${batch.batch})`,
        isNotNull(batches.submittedAt),
        or(isNull(batches.endedAt), gt(batches.endedAt, sql`${since.toISOString()}::timestamptz - interval '1 second'`)),
      ),
    )
    .limit(1)
  return rows.length === 0
}

/** Since the last batch of a job ended, in milliseconds; null before that. */
export async function msSinceLastEnd(query: Query, jobId: string): Promise<number | null> {
  const [row] = await query
    .select({ ms: sql<number | null>`(extract(epoch from (now() - max(${batches.endedAt}))) * 1000)::float8` })
    .from(batches)
    .where(eq(batches.jobId, jobId))
  return row?.ms ?? null
}

/** The seq on a 1-based line of the batch's input file, which holds its items in seq order. */
export async function seqOfLine(query: Query, batch: BatchRow, line: number): Promise<number | null> {
  if (line < 1 || line > batch.items) return null
  if (!batch.listed) return batch.seqFrom + line - 1
  const [row] = await query
    .select({ seq: batchItems.seq })
    .from(batchItems)
    .where(and(eq(batchItems.jobId, batch.jobId), eq(batchItems.batch, batch.batch)))
    .orderBy(asc(batchItems.seq))
    .offset(line - 1)
    .limit(1)
  return row?.seq ?? null
}

/**
 * Makes the parts of a refused batch: new batches of the same round over `parts` of its items, except those that have an outcome.
 * Safe to repeat: parts that exist already stay. Returns the new batch numbers.
 */
export async function splitBatch(query: Query, batch: BatchRow, parts: 1 | 2): Promise<number[]> {
  const existing = await listParts(query, batch.jobId, batch.batch)
  if (existing.length > 0) return existing
  const members = batch.listed
    ? sql`select seq from ${batchItems} where job_id = ${batch.jobId} and batch = ${batch.batch}`
    : sql`select seq from ${items} where job_id = ${batch.jobId} and seq between ${batch.seqFrom} and ${batch.seqTo}`
  const [next] = await query
    .select({
      batch: sql<number>`max(${batches.batch})`,
      shard: sql<number>`max(${batches.shard}) filter (where ${batches.round} = ${batch.round})`,
    })
    .from(batches)
    .where(eq(batches.jobId, batch.jobId))
  if (next === undefined) return []
  await query.execute(sql`
    insert into batch_items (job_id, batch, seq)
    select ${batch.jobId}, ${next.batch} + ntile(${parts}) over (order by m.seq), m.seq
    from (${members}) m
    where (select true from outcomes o where o.job_id = ${batch.jobId} and o.seq = m.seq) is null`)
  const created = await query.execute<{ batch: number }>(sql`
    insert into batches (job_id, batch, round, shard, split_from, provider, simulated, model, endpoint, listed, seq_from, seq_to, items, bytes, tokens)
    select ${batch.jobId}, b.batch, ${batch.round}, ${next.shard} + (b.batch - ${next.batch}), ${batch.batch}, ${batch.provider}, ${batch.simulated},
      ${batch.model}, ${batch.endpoint}, true, min(i.seq), max(i.seq), count(*), sum(i.bytes), sum(i.tokens)
    from batch_items b join items i on i.job_id = b.job_id and i.seq = b.seq
    where b.job_id = ${batch.jobId} and b.batch > ${next.batch}
    group by b.batch returning batch`)
  return created.map((row) => row.batch)
}

/** The database's clock, for columns that are compared with it. */
export const databaseNow = sql`now()`

/** Whether anything after this seq was ever planned to be sent. */
export async function hasBatchPast(sqlClient: Sql, jobId: string, seq: number): Promise<boolean> {
  const rows = await sqlClient`select 1 from batches where job_id = ${jobId} and seq_to > ${seq} limit 1`
  return rows.length > 0
}
