import type postgres from 'postgres'
import type { ErrorClass } from '../core/error-classes.ts'
import type { OutcomeStatus } from '../core/statuses.ts'
import type { Database, Sql } from './database.ts'

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

/** What the provider itself said of an item. */
export interface RawResult {
  seq: number
  customId: string
  status: OutcomeStatus
  /** The line as it was received; null when the outcome is none of the provider's. */
  raw: string | null
}

export interface ResultFilter {
  afterSeq: number
  statuses?: readonly OutcomeStatus[] | undefined
  limit?: number | undefined
}

/** What a page should weigh: enough to keep Postgres busy, little enough that many readers at once fit. */
const bytesPerPage = 2_000_000
/** No page weighs more, but for its last outcome. */
const mostBytesPerPage = 2 * bytesPerPage
const rowsOfFirstPage = 200
const mostRowsPerPage = 5000

const resultColumns = [
  'seq',
  'customId',
  'status',
  'errorClass',
  'error',
  'finishReason',
  'answer',
  'model',
  'attempts',
  'inputTokens',
  'outputTokens',
  'cachedTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'costNanos',
  'metadata',
  'itemWarnings',
  'answerWarnings',
  'providerBatchId',
] as const satisfies ReadonlyArray<keyof StoredResult>
const rawResultColumns = ['seq', 'customId', 'status', 'raw'] as const satisfies ReadonlyArray<keyof RawResult>

/** Outcomes in seq order, a page at a time. No connection is held between pages, so a slow reader costs nothing. */
export async function* readResults(database: Database, jobId: string, filter: ResultFilter): AsyncGenerator<StoredResult[]> {
  const { sql } = database
  yield* pages<StoredResult>(
    database,
    filter,
    resultColumns,
    (after) => sql`
      select o.seq, i.custom_id as "customId", o.status, o.error_class as "errorClass", o.error, o.finish_reason as "finishReason", o.answer,
        coalesce(o.model, b.model) as model, o.attempts, o.input_tokens as "inputTokens", o.output_tokens as "outputTokens", o.cached_tokens as "cachedTokens",
        o.cache_write_tokens as "cacheWriteTokens", o.reasoning_tokens as "reasoningTokens", o.cost_nanos as "costNanos", i.metadata,
        i.warnings as "itemWarnings", o.warnings as "answerWarnings", b.provider_batch_id as "providerBatchId",
        300 + coalesce(octet_length(o.answer), 0) + coalesce(octet_length(o.error), 0) + coalesce(octet_length(i.metadata), 0) as bytes
      from outcomes o
      join items i on i.job_id = o.job_id and i.seq = o.seq
      left join batches b on b.job_id = o.job_id and b.batch = o.batch
      where o.job_id = ${jobId} and o.seq > ${after} ${ofStatuses(sql, filter)}`,
  )
}

/** What the provider said, in seq order, a page at a time. */
export async function* readRawResults(database: Database, jobId: string, filter: ResultFilter): AsyncGenerator<RawResult[]> {
  const { sql } = database
  yield* pages<RawResult>(
    database,
    filter,
    rawResultColumns,
    (after) => sql`
      select o.seq, i.custom_id as "customId", o.status, o.raw, 100 + coalesce(octet_length(o.raw), 0) as bytes
      from outcomes o
      join items i on i.job_id = o.job_id and i.seq = o.seq
      where o.job_id = ${jobId} and o.seq > ${after} ${ofStatuses(sql, filter)}`,
  )
}

function ofStatuses(sql: Sql, { statuses }: ResultFilter) {
  return statuses === undefined ? sql`` : sql`and o.status = any(${[...statuses]}::text[])`
}

/**
 * Pages of these columns of what `select` gives with its `bytes`. How many rows a page should have is a guess from the page before; where their bytes
 * add up to the most that it may have, it ends. Postgres knows these without reading the texts, so that a huge answer after many small ones fills no memory.
 */
async function* pages<Row extends { seq: number }>(
  { sql }: Database,
  filter: ResultFilter,
  columns: readonly string[],
  select: (after: number) => postgres.PendingQuery<postgres.Row[]>,
): AsyncGenerator<Row[]> {
  let left = filter.limit ?? Number.POSITIVE_INFINITY
  let rows = rowsOfFirstPage
  for (let after = filter.afterSeq; left > 0;) {
    const limit = Math.min(rows, left)
    const page = await sql<Array<Row & { bytes: number }>>`
      select ${sql(columns as string[])}, bytes from (
        select chosen.*, sum(bytes) over (order by seq rows unbounded preceding) - bytes as before
        from (${select(after)} order by o.seq limit ${limit}) chosen
      ) summed where before < ${mostBytesPerPage} order by seq`
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    const bytes = page.reduce((sum, row) => sum + row.bytes, 0)
    if (page.length < limit && bytes < mostBytesPerPage) return
    left -= page.length
    after = last.seq
    rows = Math.min(mostRowsPerPage, Math.max(1, Math.round((bytesPerPage * page.length) / bytes)))
  }
}

/** One result, or null while the item has none. */
export async function findResult(database: Database, jobId: string, seq: number): Promise<StoredResult | null> {
  for await (const [result] of readResults(database, jobId, { afterSeq: seq - 1, limit: 1 }))
    return result?.seq === seq ? result : null
  return null
}
