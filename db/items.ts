import type { ErrorClass } from '../core/error-classes.ts'
import type { ItemStatus } from '../core/statuses.ts'
import { copyIn } from './copy-in.ts'
import { deadlockDetected, sqlState, uniqueViolation, type Database } from './database.ts'
import { itemColumns, type ItemRows } from './item-rows.ts'
import { holdUpload, type UploadTarget } from './upload-target.ts'

/** An item that has the `custom_id` of another one, which is stored: of an earlier one, or of a later one that was faster. */
export interface DuplicateItem {
  /** Its position in the chunk. */
  row: number
  customId: string
  otherSeq: number
}

/**
 * Stores a chunk of items of a job that is being uploaded, in one transaction. An item whose `custom_id` is taken is left out and
 * returned; the others are stored, numbered from `firstSeq`. Two chunks of one job may be stored at once. Throws what
 * `holdUpload` throws.
 */
export async function copyItems(
  database: Database,
  { jobId, receiving }: UploadTarget,
  chunk: ItemRows,
  firstSeq: number,
): Promise<DuplicateItem[]> {
  let duplicates: DuplicateItem[] = []
  for (;;) {
    try {
      await copyChunk(database, { jobId, receiving }, chunk.encoded(firstSeq, new Set(duplicates.map(({ row }) => row))))
      return duplicates
    } catch (error) {
      // Chunks that collide with each other may wait for each other.
      if (sqlState(error) !== uniqueViolation && sqlState(error) !== deadlockDetected) throw error
    }
    duplicates = await findDuplicates(database, jobId, chunk, firstSeq)
  }
}

async function copyChunk(database: Database, target: UploadTarget, encoded: Iterable<Uint8Array>): Promise<void> {
  await database.sql.begin(async (tx) => {
    await holdUpload(tx, target)
    // The commit need not wait for the disk: the one that makes the job `queued`, or the part of a draft stay, does, and with it everything that was
    // written before it.
    await tx`select set_config('synchronous_commit', 'off', true)`
    await copyIn(tx`copy items (${tx(itemColumns as unknown as string[])}) from stdin (format binary)`, encoded)
  })
}

async function findDuplicates(database: Database, jobId: string, chunk: ItemRows, firstSeq: number): Promise<DuplicateItem[]> {
  const customIds = chunk.customIds()
  const stored = await database.sql<{ seq: number; customId: string }[]>`
    select seq, custom_id as "customId" from items where job_id = ${jobId} and custom_id = any(${[...customIds]}::text[])`
  const firstSeqs = new Map(stored.map(({ seq, customId }) => [customId, seq]))
  const duplicates: DuplicateItem[] = []
  for (const [row, customId] of customIds.entries()) {
    const first = firstSeqs.get(customId)
    if (first === undefined) firstSeqs.set(customId, firstSeq + row - duplicates.length)
    else duplicates.push({ row, customId, otherSeq: first })
  }
  return duplicates
}

/** An item with where it stands. */
export interface ListedItem {
  seq: number
  customId: string
  status: ItemStatus
  errorClass: ErrorClass | null
  /** How often it was sent: with what became its outcome, or is at the provider now. */
  attempts: number
  batch: number | null
  bytes: number
  tokens: number
}

export interface ItemFilter {
  status?: readonly ItemStatus[] | undefined
  errorClass?: readonly ErrorClass[] | undefined
  customId?: string | undefined
  seq?: number | undefined
}

/** Items in input order after `afterSeq`; of a job that is being uploaded those that will stay. An item without an outcome is `submitted` while a batch at the provider holds it. */
export async function listItems(
  database: Database,
  jobId: string,
  filter: ItemFilter,
  afterSeq: number,
  limit: number,
): Promise<ListedItem[]> {
  const { sql } = database
  const status = filter.status === undefined ? sql`` : sql`and status = any(${[...filter.status]}::text[])`
  const errorClass = filter.errorClass === undefined ? sql`` : sql`and "errorClass" = any(${[...filter.errorClass]}::text[])`
  return await sql<ListedItem[]>`
    with open_batches as materialized (
      select batch, listed, seq_from, seq_to from batches where job_id = ${jobId} and status in ('in_progress', 'fetching')
    )
    select seq, "customId", status, "errorClass", coalesce(attempts, earlier + (status = 'submitted')::int) as attempts, batch, bytes, tokens from (
      select i.seq, i.custom_id as "customId", i.bytes, i.tokens, o.batch, o.attempts,
        coalesce(o.status, case when exists (
          select 1 from open_batches b where i.seq between b.seq_from and b.seq_to
            and (not b.listed or exists (select 1 from batch_items m where m.job_id = i.job_id and m.batch = b.batch and m.seq = i.seq))
        ) then 'submitted' else 'pending' end) as status,
        case when o.seq is null then a.error_class else o.error_class end as "errorClass",
        coalesce(a.earlier, 0) as earlier
      from items i
      left join outcomes o on o.job_id = i.job_id and o.seq = i.seq
      left join lateral (
        select error_class, (count(*) over ())::int as earlier from attempts
        where job_id = i.job_id and seq = i.seq order by batch desc limit 1
      ) a on true
      where i.job_id = ${jobId} and i.seq > ${afterSeq}
        and i.seq <= (select case when status = 'validating' then items else 2147483647 end from jobs where id = ${jobId})
        ${filter.customId === undefined ? sql`` : sql`and i.custom_id = ${filter.customId}`}
        ${filter.seq === undefined ? sql`` : sql`and i.seq = ${filter.seq}`}
      order by i.seq
    ) item
    where true ${status} ${errorClass}
    order by seq limit ${limit}`
}

export interface ItemAttempt {
  batch: number
  providerBatchId: string | null
  round: number
  /** JSON texts. */
  error: string
  answer: string | null
  model: string | null
  inputTokens: number
  outputTokens: number
  cachedTokens: number
  cacheWriteTokens: number
  reasoningTokens: number
  costNanos: bigint | null
  createdAt: Date
}

/** The sendings of one item that did not become its outcome, oldest first. */
export async function listItemAttempts(database: Database, jobId: string, seq: number): Promise<ItemAttempt[]> {
  return await database.sql<ItemAttempt[]>`
    select a.batch, b.provider_batch_id as "providerBatchId", a.round, a.error, a.answer, a.model, a.input_tokens as "inputTokens",
      a.output_tokens as "outputTokens", a.cached_tokens as "cachedTokens", a.cache_write_tokens as "cacheWriteTokens",
      a.reasoning_tokens as "reasoningTokens", a.cost_nanos as "costNanos", a.created_at as "createdAt"
    from attempts a left join batches b on b.job_id = a.job_id and b.batch = a.batch
    where a.job_id = ${jobId} and a.seq = ${seq} order by a.batch`
}

/** The input line of one item, or null. */
export async function findItemLine(database: Database, jobId: string, seq: number): Promise<string | null> {
  const [row] = await database.sql<{ line: string }[]>`select line from items where job_id = ${jobId} and seq = ${seq}`
  return row?.line ?? null
}
