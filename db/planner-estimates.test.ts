import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertJob, judged } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { listOpenBatches } from './batches.ts'
import { loadJob } from './job-state.ts'
import { mergeResults } from './outcomes.ts'
import { planRound } from './plan.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

// Taken for one row, the new job's rows are joined by comparing each with each: hours for a job of 100,000 items.
test('a job that came after the last ANALYZE is not taken for a single row', async () => {
  const { sql, drizzle } = db.database
  const jobId = await insertJob(db.database, 3000, { mixed: true })
  const limits = () => ({ maxRequests: 3, maxBytes: 1_000_000, maxTokens: null })
  const destination = () => ({ model: 'gpt-4o-mini', endpoint: '/v1/chat/completions' })
  await planRound(db.database, await loadJob(drizzle, jobId), 1, { destinationOf: destination, limitsOf: limits, sizes: 'any' })
  for (const batch of await listOpenBatches(drizzle, jobId)) {
    const results = Array.from({ length: 3 }, (_, index) =>
      judged(
        batch.seqFrom + index,
        (batch.seqFrom + index) % 2 === 0 ? {} : { becomes: 'attempt', errorClass: 'transient', error: '{}' },
      ),
    )
    await mergeResults(db.database, batch, results)
  }
  await sql`analyze`
  for (const table of ['items', 'outcomes', 'attempts', 'batch_items', 'batches']) {
    const [explained] = await sql.unsafe<[{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }]>(
      `explain (format json) select from ${table} where job_id = 'k7m2x9qd4hta'`,
    )
    expect(explained['QUERY PLAN'][0].Plan['Plan Rows'], table).toBeGreaterThan(1)
  }
})
