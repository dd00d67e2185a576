import { sql } from 'drizzle-orm'
import type { BatchRow } from './batches.ts'
import type { Query } from './database.ts'
import { ledger } from './schema.ts'
import type { SubmissionRow } from './submissions.ts'

/** Books what a batch cost: the sum over its own items, once a batch at the provider, however often it is called. */
export async function recordActualCost(query: Query, batch: BatchRow): Promise<void> {
  await query.execute(sql`
    insert into ledger (job_id, batch, attempt, kind, provider_batch_id, amount_nanos, simulated)
    select ${batch.jobId}, ${batch.batch}, ${batch.attempt}, 'actual', ${batch.providerBatchId}, coalesce(sum(cost_nanos), 0), ${batch.simulated}
    from (
      select cost_nanos from outcomes where job_id = ${batch.jobId} and batch = ${batch.batch}
        and seq between ${batch.seqFrom} and ${batch.seqTo}
      union all
      select cost_nanos from attempts where job_id = ${batch.jobId} and batch = ${batch.batch}
        and seq between ${batch.seqFrom} and ${batch.seqTo}
    ) answers
    on conflict do nothing`)
}

/** Books what a twin cost: a batch that a submission created and whose answers count for nothing. False: it is booked already. */
export async function recordTwinCost(query: Query, twin: SubmissionRow, amountNanos: bigint): Promise<boolean> {
  const { jobId, batch, attempt, providerBatchId, simulated } = twin
  const rows = await query
    .insert(ledger)
    .values({ jobId, batch, attempt, kind: 'actual', providerBatchId, amountNanos, simulated })
    .onConflictDoNothing()
    .returning({ id: ledger.id })
  return rows.length > 0
}
