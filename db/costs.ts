import type { Database } from './database.ts'

/** Sums over answers: outcomes, and attempts that did not become one but are paid as well. */
export interface CostSums {
  model: string | null
  batch: number
  providerBatchId: string | null
  round: number
  answers: number
  inputTokens: number
  outputTokens: number
  cachedTokens: number
  reasoningTokens: number
  costNanos: bigint
  unpriced: number
}

/** One row for each (batch, model) of a job. */
export async function sumCosts(database: Database, jobId: string): Promise<CostSums[]> {
  return await database.sql<CostSums[]>`
    select a.model, a.batch, b.provider_batch_id as "providerBatchId", b.round,
      count(*)::int as answers,
      sum(a.input_tokens)::float8 as "inputTokens", sum(a.output_tokens)::float8 as "outputTokens",
      sum(a.cached_tokens)::float8 as "cachedTokens", sum(a.reasoning_tokens)::float8 as "reasoningTokens",
      coalesce(sum(a.cost_nanos), 0)::bigint as "costNanos", (count(*) filter (where a.cost_nanos is null))::int as unpriced
    from (
      select batch, model, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_nanos from outcomes where job_id = ${jobId}
      union all
      select batch, model, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_nanos from attempts where job_id = ${jobId}
    ) a
    join batches b on b.job_id = ${jobId} and b.batch = a.batch
    where a.input_tokens > 0 or a.output_tokens > 0
    group by a.batch, b.provider_batch_id, b.round, a.model order by a.batch, a.model`
}

export interface TwinCosts {
  /** Booked ones: a twin is booked when it has ended. */
  batches: number
  costNanos: bigint
}

/** What batches cost that a job's submissions created and whose answers count for nothing; they are in none of the answers' sums. */
export async function sumTwinCosts(database: Database, jobId: string): Promise<TwinCosts> {
  const [sums] = await database.sql<TwinCosts[]>`
    select count(*)::int as batches, coalesce(sum(l.amount_nanos), 0)::bigint as "costNanos"
    from ledger l
    where l.job_id = ${jobId} and l.kind = 'actual' and exists (
      select 1 from submissions s
      where s.job_id = l.job_id and s.batch = l.batch and s.attempt = l.attempt and s.provider_batch_id = l.provider_batch_id
        and s.state = 'absent'
    )`
  return sums ?? { batches: 0, costNanos: 0n }
}
