import type { ErrorClass } from '../core/error-classes.ts'
import { BatchwrightError } from '../core/errors.ts'
import type { OutcomeStatus } from '../core/statuses.ts'
import type { Usage } from '../core/money.ts'
import type { Database, Sql, Transaction } from './database.ts'
import type { BatchRow } from './batches.ts'

/** One judged line of a batch's results: it becomes the item's outcome, or an attempt. */
export interface JudgedResult {
  seq: number
  becomes: 'outcome' | 'attempt'
  status: OutcomeStatus
  errorClass: ErrorClass | null
  /** JSON texts, or null. */
  error: string | null
  answer: string | null
  warnings: string | null
  raw: string | null
  finishReason: string | null
  model: string | null
  usage: Usage
  /** Nano-dollars; null when the model has no known price. */
  cost: bigint | null
  /** Sendings of the item, this one included. */
  attempts: number
}

/** What was new in a chunk, for the job's counters. */
interface ChunkCounts {
  inserted: number
  succeeded: number
  failed: number
  expired: number
  attempts: number
  unpriced: number
  input_tokens: bigint
  output_tokens: bigint
  cost: bigint
}

/**
 * Merges at most a few thousand judged results of one batch. The key (job, seq) of `outcomes` is what makes an answer count once: what
 * is there already stays, a line seen again changes nothing, and the counters move by what was new. Rows go in by seq, so that two merges
 * of the same lines wait for each other in one order. Throws `batch_moved_on`, and merges nothing, when the batch has another attempt or
 * status than `batch`. Returns the number of new rows.
 */
export async function mergeResults(database: Database, batch: BatchRow, results: readonly JudgedResult[]): Promise<number> {
  if (results.length === 0) return 0
  return await database.sql.begin(async (tx) => {
    const [counts] = await tx<ChunkCounts[]>`
      with incoming as (
        select seq, becomes, status, error_class, error, nullif(answer, '') as answer, warnings, nullif(raw, '') as raw, finish_reason, model,
          input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, cost, attempts
        from rows from (
          json_to_recordset(${serialize(results)}::text::json) as (
            seq int, becomes text, status text, error_class text, error text, warnings text, finish_reason text, model text, input_tokens int,
            output_tokens int, cached_tokens int, cache_write_tokens int, reasoning_tokens int, cost bigint, attempts smallint),
          string_to_table(${joined(results, 'answer')}, ${separator}),
          string_to_table(${joined(results, 'raw')}, ${separator})
        ) as r(seq, becomes, status, error_class, error, warnings, finish_reason, model, input_tokens, output_tokens, cached_tokens,
          cache_write_tokens, reasoning_tokens, cost, attempts, answer, raw)
      ), new_outcomes as (
        insert into outcomes (job_id, seq, status, batch, round, attempts, error_class, error, finish_reason, answer, model, input_tokens, output_tokens,
          cached_tokens, cache_write_tokens, reasoning_tokens, cost_nanos, warnings, raw)
        select ${batch.jobId}, seq, status, ${batch.batch}, ${batch.round}, attempts, error_class, error, finish_reason, answer, model, input_tokens,
          output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, cost, warnings, raw
        from incoming r where becomes = 'outcome'
          and not exists (select 1 from attempts a where a.job_id = ${batch.jobId} and a.seq = r.seq and a.batch = ${batch.batch})
        order by seq
        on conflict do nothing
        returning status, cost_nanos, input_tokens, output_tokens
      ), new_attempts as (
        insert into attempts (job_id, seq, batch, round, error_class, error, answer, model, input_tokens, output_tokens, cached_tokens,
          cache_write_tokens, reasoning_tokens, cost_nanos, raw)
        select ${batch.jobId}, seq, ${batch.batch}, ${batch.round}, error_class, coalesce(error, '{}'), answer, model, input_tokens, output_tokens,
          cached_tokens, cache_write_tokens, reasoning_tokens, cost, raw
        from incoming r where becomes = 'attempt'
          and not exists (select 1 from outcomes o where o.job_id = ${batch.jobId} and o.seq = r.seq)
        order by seq
        on conflict do nothing
        returning 'attempt' as status, cost_nanos, input_tokens, output_tokens
      )
      select count(*)::int as inserted,
        count(*) filter (where status = 'succeeded')::int as succeeded, count(*) filter (where status = 'failed')::int as failed,
        count(*) filter (where status = 'expired')::int as expired, count(*) filter (where status = 'attempt')::int as attempts,
        count(*) filter (where cost_nanos is null)::int as unpriced, coalesce(sum(input_tokens), 0)::bigint as input_tokens,
        coalesce(sum(output_tokens), 0)::bigint as output_tokens, coalesce(sum(cost_nanos), 0)::bigint as cost
      from (select * from new_outcomes union all select * from new_attempts) n`
    if (counts === undefined || counts.inserted === 0) return 0
    await addToCounters(tx, batch, counts)
    return counts.inserted
  })
}

async function addToCounters(tx: Transaction, batch: BatchRow, counts: ChunkCounts): Promise<void> {
  const moved = await tx`
    update batches set answered = answered + ${counts.inserted}
    where job_id = ${batch.jobId} and batch = ${batch.batch} and attempt = ${batch.attempt} and status = ${batch.status}`
  if (moved.count === 0) {
    // A late try: what it read belongs to an attempt that is over, and would stand in the way of the answers to the next one.
    throw new BatchwrightError(
      'batch_moved_on',
      `batch ${batch.batch} of job ${batch.jobId} is not what it was when its results were read`,
    )
  }
  await tx`
    update jobs set succeeded = succeeded + ${counts.succeeded}, failed = failed + ${counts.failed}, expired = expired + ${counts.expired},
      attempts = attempts + ${counts.attempts}, unpriced = unpriced + ${counts.unpriced}, input_tokens = input_tokens + ${counts.input_tokens},
      output_tokens = output_tokens + ${counts.output_tokens}, cost_nanos = cost_nanos + ${counts.cost}
    where id = ${batch.jobId}`
}

/** A control character that no JSON holds as it is. */
const separator = '\u001e'

/**
 * The long texts of all results as one text, side by side with the JSON of the rest. As strings inside of that JSON they would be escaped here and
 * unescaped by Postgres, which takes longer than to store them.
 */
function joined(results: readonly JudgedResult[], column: 'answer' | 'raw'): string {
  return results.map((result) => withoutSeparator(result[column] ?? '')).join(separator)
}

/** Only a broken line, which is kept as it came, can hold one. */
function withoutSeparator(text: string): string {
  return text.includes(separator) ? text.replaceAll(separator, '\uFFFD') : text
}

/**
 * One JSON array for Postgres to unfold: far cheaper than an array a column. Texts are escaped a second time by this, so the \u0000 of an
 * error's JSON stays six characters.
 */
function serialize(results: readonly JudgedResult[]): string {
  return JSON.stringify(
    results.map((result) => ({
      seq: result.seq,
      becomes: result.becomes,
      status: result.status,
      error_class: result.errorClass,
      error: result.error,
      warnings: result.warnings,
      finish_reason: result.finishReason,
      model: result.model,
      input_tokens: result.usage.input,
      output_tokens: result.usage.output,
      cached_tokens: result.usage.cached,
      cache_write_tokens: result.usage.cacheWrite,
      reasoning_tokens: result.usage.reasoning,
      cost: result.cost === null ? null : result.cost.toString(),
      attempts: result.attempts,
    })),
  )
}

/**
 * The seqs of a batch that have neither an outcome nor an attempt of this batch, a page at a time. One look-up by key an item: `not exists` becomes a
 * join, and a job that the table's statistics have not seen yet is taken for one row, so that the join compares all items with all outcomes: minutes.
 */
export async function listUnanswered(sqlClient: Sql, batch: BatchRow, afterSeq: number, limit: number): Promise<number[]> {
  const members = batch.listed
    ? sqlClient`select seq from batch_items where job_id = ${batch.jobId} and batch = ${batch.batch}`
    : sqlClient`select seq from items where job_id = ${batch.jobId} and seq between ${batch.seqFrom} and ${batch.seqTo}`
  const rows = await sqlClient<{ seq: number }[]>`
    select m.seq from (${members}) m
    where m.seq > ${afterSeq}
      and (select true from outcomes o where o.job_id = ${batch.jobId} and o.seq = m.seq) is null
      and (select true from attempts a where a.job_id = ${batch.jobId} and a.seq = m.seq and a.batch = ${batch.batch}) is null
    order by m.seq limit ${limit}`
  return rows.map((row) => row.seq)
}

/** Which of these seqs are items of a listed batch. */
export async function filterMembers(sqlClient: Sql, batch: BatchRow, seqs: readonly number[]): Promise<Set<number>> {
  const rows = await sqlClient<{ seq: number }[]>`
    select seq from batch_items where job_id = ${batch.jobId} and batch = ${batch.batch} and seq = any(${[...seqs]}::int[])`
  return new Set(rows.map((row) => row.seq))
}

/** An item's attempt before the one that is judged or rendered. */
export interface EarlierAttempt {
  seq: number
  batch: number
  errorClass: ErrorClass
  /** JSON text. */
  error: string
  answer: string | null
}

/** Attempts of these items in other batches than this one, oldest first. */
export async function listEarlierAttempts(
  sqlClient: Sql,
  batch: BatchRow,
  seqs: readonly number[],
): Promise<Map<number, EarlierAttempt[]>> {
  const bySeq = new Map<number, EarlierAttempt[]>()
  if (seqs.length === 0 || batch.round === 1) return bySeq
  const rows = await sqlClient<EarlierAttempt[]>`
    select seq, batch, error_class as "errorClass", error, answer from attempts
    where job_id = ${batch.jobId} and seq = any(${[...seqs]}::int[]) and batch <> ${batch.batch} order by seq, batch`
  for (const row of rows) {
    const attempts = bySeq.get(row.seq)
    if (attempts === undefined) bySeq.set(row.seq, [row])
    else attempts.push(row)
  }
  return bySeq
}

/** Of the items up to this seq. */
export async function countEnds(
  { sql }: Database,
  jobId: string,
  upToSeq: number,
): Promise<{ ended: number; succeeded: number }> {
  const [row] = await sql<[{ ended: number; succeeded: number }]>`
    select count(*)::int as ended, (count(*) filter (where status = 'succeeded'))::int as succeeded from outcomes
    where job_id = ${jobId} and seq <= ${upToSeq}`
  return row
}
