import { randomBytes } from 'node:crypto'
import { createJobId } from '../core/job-id.ts'
import { noUsage } from '../core/money.ts'
import type { Database } from '../db/database.ts'
import type { JudgedResult } from '../db/outcomes.ts'
import { batches, items, jobs } from '../db/schema.ts'

export type JobValues = Partial<typeof jobs.$inferInsert>
export type ItemValues = Partial<typeof items.$inferInsert>

/** A running job with `count` small items, written straight into the tables: for tests of the tables' own rules. */
export async function insertJob(
  database: Database,
  count: number,
  job: JobValues = {},
  item: (seq: number) => ItemValues = () => ({}),
): Promise<string> {
  const id = job.id ?? createJobId(randomBytes(12))
  await database.drizzle.insert(jobs).values({
    id,
    status: 'in_progress',
    provider: 'openai',
    model: 'gpt-4o-mini',
    simulated: true,
    spec: '{}',
    items: count,
    ...job,
  })
  for (let from = 1; from <= count; from += 1000) {
    const rows = Array.from({ length: Math.min(1000, count - from + 1) }, (_, index) => {
      const seq = from + index
      return { jobId: id, seq, customId: `item-${seq}`, line: `{"prompt":"${seq}"}`, bytes: 100, tokens: 10, ...item(seq) }
    })
    await database.drizzle.insert(items).values(rows)
  }
  return id
}

/** Batch 1 of a job that `insertJob` made: planned, over its first `items` items, unless told otherwise. */
export async function insertBatch(
  database: Database,
  jobId: string,
  items: number,
  batch: Partial<typeof batches.$inferInsert> = {},
): Promise<{ jobId: string; batch: number }> {
  const row = {
    jobId,
    batch: 1,
    round: 1,
    shard: 1,
    provider: 'openai',
    simulated: true,
    model: 'gpt-4o-mini',
    endpoint: '/v1/chat/completions',
    listed: false,
    seqFrom: 1,
    seqTo: items,
    items,
    bytes: 100 * items,
    tokens: 10 * items,
    ...batch,
  }
  await database.drizzle.insert(batches).values(row)
  return { jobId, batch: row.batch }
}

export function judged(seq: number, change: Partial<JudgedResult> = {}): JudgedResult {
  return {
    seq,
    becomes: 'outcome',
    status: 'succeeded',
    errorClass: null,
    error: null,
    answer: `{"text":"answer ${seq}"}`,
    warnings: null,
    raw: null,
    finishReason: 'stop',
    model: 'gpt-4o-mini',
    usage: { ...noUsage, input: 10, output: 5 },
    cost: 7n,
    attempts: 1,
    ...change,
  }
}
