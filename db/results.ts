import type { ErrorClass } from '../core/error-classes.ts'
import type { OutcomeStatus } from '../core/statuses.ts'
import type { Database } from './database.ts'

/** An outcome with what a result line needs of its item and batch. Texts that hold JSON are as they are stored. */
export interface StoredResult {
  seq: number
  customId: string
  status: OutcomeStatus
  errorClass: ErrorClass | null
  error: string | null
  finishReason: string | null
  answer: string | null
  model: string | null
  attempts: number
  inputTokens: number
  outputTokens: number
  cachedTokens: number
  cacheWriteTokens: number
  reasoningTokens: number
  costNanos: bigint | null
  metadata: string | null
  /** Of the item, and of its answer. */
  itemWarnings: string | null
  answerWarnings: string | null
  providerBatchId: string | null
}

export interface RawResult {
  seq: number
  raw: string
}

export interface ResultFilter {
  afterSeq: number
  statuses?: readonly OutcomeStatus[] | undefined
  limit?: number | undefined
}

/** What one page should weigh: enough to keep Postgres busy, little enough that many readers at once fit. */
const pageBytes = 2_000_000
const firstPage = 200
const largestPage = 5000

/** Outcomes in seq order, a page at a time. No connection is held between pages, so a slow reader costs nothing. */
export async function* readResults(database: Database, jobId: string, filter: ResultFilter): AsyncGenerator<StoredResult[]> {
  const { sql } = database
  yield* pages(
    filter,
    (after, limit) => sql<StoredResult[]>`
      select o.seq, i.custom_id as "customId", o.status, o.error_class as "errorClass", o.error, o.finish_reason as "finishReason", o.answer,
        coalesce(o.model, b.model) as model, o.attempts, o.input_tokens as "inputTokens", o.output_tokens as "outputTokens", o.cached_tokens as "cachedTokens",
        o.cache_write_tokens as "cacheWriteTokens", o.reasoning_tokens as "reasoningTokens", o.cost_nanos as "costNanos", i.metadata,
        i.warnings as "itemWarnings", o.warnings as "answerWarnings", b.provider_batch_id as "providerBatchId"
      from outcomes o
      join items i on i.job_id = o.job_id and i.seq = o.seq
      left join batches b on b.job_id = o.job_id and b.batch = o.batch
      where o.job_id = ${jobId} and o.seq > ${after}
        ${filter.statuses === undefined ? sql`` : sql`and o.status = any(${[...filter.statuses]}::text[])`}
      order by o.seq limit ${limit}`,
    (row) => 300 + (row.answer?.length ?? 0) + (row.error?.length ?? 0) + (row.metadata?.length ?? 0),
  )
}

/** The provider's own lines in seq order, a page at a time; items without one are left out. */
export async function* readRawResults(database: Database, jobId: string, filter: ResultFilter): AsyncGenerator<RawResult[]> {
  const { sql } = database
  yield* pages(
    filter,
    (after, limit) => sql<RawResult[]>`
      select seq, raw from outcomes
      where job_id = ${jobId} and seq > ${after} and raw is not null
        ${filter.statuses === undefined ? sql`` : sql`and status = any(${[...filter.statuses]}::text[])`}
      order by seq limit ${limit}`,
    (row) => row.raw.length,
  )
}

async function* pages<Row extends { seq: number }>(
  filter: ResultFilter,
  read: (after: number, limit: number) => PromiseLike<Row[]>,
  sizeOf: (row: Row) => number,
): AsyncGenerator<Row[]> {
  let left = filter.limit ?? Number.POSITIVE_INFINITY
  let pageSize = firstPage
  for (let after = filter.afterSeq; left > 0;) {
    const limit = Math.min(pageSize, left)
    const page = await read(after, limit)
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    if (page.length < limit) return
    left -= page.length
    after = last.seq
    const bytes = page.reduce((sum, row) => sum + sizeOf(row), 0)
    pageSize = Math.min(largestPage, Math.max(1, Math.round((pageBytes * page.length) / Math.max(1, bytes))))
  }
}

/** One result, or null while the item has none. */
export async function findResult(database: Database, jobId: string, seq: number): Promise<StoredResult | null> {
  for await (const [result] of readResults(database, jobId, { afterSeq: seq - 1, limit: 1 }))
    return result?.seq === seq ? result : null
  return null
}
