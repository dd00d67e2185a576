import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BatchLimits } from '../core/splitting.ts'
import { insertJob, judged } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { listOpenBatches, readBatchItems, splitBatch, type BatchRow } from './batches.ts'
import { loadJob } from './job-state.ts'
import { mergeResults } from './outcomes.ts'
import { planRound } from './plan.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const limits: BatchLimits = { maxRequests: 100, maxBytes: 1_000_000, maxTokens: null }

async function plan(jobId: string, round: number, batchLimits: BatchLimits = limits, sizes: 'any' | 'distinct' = 'any') {
  const job = await loadJob(db.database.drizzle, jobId)
  return await planRound(db.database, job, round, {
    destinationOf: (item) => ({ model: item.model ?? 'gpt-4o-mini', endpoint: item.endpoint ?? '/v1/chat/completions' }),
    limitsOf: () => batchLimits,
    sizes,
  })
}

async function seqsOf(batch: BatchRow): Promise<number[]> {
  const seqs: number[] = []
  for await (const page of readBatchItems(db.database.sql, batch, 1000)) seqs.push(...page.map(({ seq }) => seq))
  return seqs
}

function sequence(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

test('round 1 puts every item into exactly one batch, as seq ranges under every limit', async () => {
  const jobId = await insertJob(db.database, 250)
  expect(await plan(jobId, 1)).toEqual({ batches: 3, items: 250 })
  const open = await listOpenBatches(db.database.drizzle, jobId)
  expect(open.map(({ batch, shard, items, listed }) => ({ batch, shard, items, listed }))).toEqual([
    { batch: 1, shard: 0, items: 100, listed: false },
    { batch: 2, shard: 1, items: 100, listed: false },
    { batch: 3, shard: 2, items: 50, listed: false },
  ])
  expect((await Promise.all(open.map(seqsOf))).flat()).toEqual(sequence(1, 250))
})

test('where only its size tells a batch, full ones that stand side by side have different sizes', async () => {
  const jobId = await insertJob(db.database, 1000)
  await plan(jobId, 1, limits, 'distinct')
  const open = await listOpenBatches(db.database.drizzle, jobId)
  expect(open.map(({ items }) => items)).toEqual([100, 99, 98, 97, 96, 95, 94, 93, 92, 91, 45])
  expect((await Promise.all(open.map(seqsOf))).flat()).toEqual(sequence(1, 1000))
  // Of tiny batches none gets tinier.
  const tiny = await insertJob(db.database, 20)
  await plan(tiny, 1, { ...limits, maxRequests: 5 }, 'distinct')
  expect((await listOpenBatches(db.database.drizzle, tiny)).map(({ items }) => items)).toEqual([5, 5, 5, 5])
})

test('bytes and tokens close a batch as requests do', async () => {
  const byBytes = await insertJob(db.database, 10)
  await plan(byBytes, 1, { ...limits, maxBytes: 350 })
  expect((await listOpenBatches(db.database.drizzle, byBytes)).map(({ items, bytes }) => [items, bytes])).toEqual([
    [3, 300],
    [3, 300],
    [3, 300],
    [1, 100],
  ])
  const byTokens = await insertJob(db.database, 10)
  await plan(byTokens, 1, { ...limits, maxTokens: 49 })
  expect((await listOpenBatches(db.database.drizzle, byTokens)).map(({ items, tokens }) => [items, tokens])).toEqual([
    [4, 40],
    [4, 40],
    [2, 20],
  ])
})

test('a job with several models gets batches of one model each, with its items listed', async () => {
  const jobId = await insertJob(db.database, 30, { mixed: true, model: null }, (seq) => ({
    model: seq % 3 === 0 ? 'o3' : 'gpt-4o-mini',
  }))
  await plan(jobId, 1)
  const open = await listOpenBatches(db.database.drizzle, jobId)
  expect(open.map(({ model, items }) => [model, items])).toEqual([
    ['gpt-4o-mini', 20],
    ['o3', 10],
  ])
  expect(await seqsOf(open[1] as BatchRow)).toEqual(sequence(1, 10).map((n) => n * 3))
})

test('two planners of one round plan it once', async () => {
  const jobId = await insertJob(db.database, 50)
  const plans = await Promise.all([plan(jobId, 1), plan(jobId, 1), plan(jobId, 1)])
  expect(plans.map(({ batches }) => batches).toSorted((left, right) => left - right)).toEqual([0, 0, 1])
  expect(await listOpenBatches(db.database.drizzle, jobId)).toHaveLength(1)
})

test('a later round has the items without an outcome, listed, under new batch numbers', async () => {
  const jobId = await insertJob(db.database, 20)
  await plan(jobId, 1)
  const [first] = await listOpenBatches(db.database.drizzle, jobId)
  await mergeResults(
    db.database,
    first as BatchRow,
    sequence(1, 20).map((seq) =>
      judged(
        seq,
        seq % 5 === 0 ? { becomes: 'attempt', status: 'failed', errorClass: 'transient', error: '{}', answer: null } : {},
      ),
    ),
  )
  expect(await plan(jobId, 2)).toEqual({ batches: 1, items: 4 })
  const second = (await listOpenBatches(db.database.drizzle, jobId)).find(({ round }) => round === 2)
  expect(second).toMatchObject({ batch: 2, shard: 0, listed: true, seqFrom: 5, seqTo: 20 })
  expect(await seqsOf(second as BatchRow)).toEqual([5, 10, 15, 20])
})

test('the rest of a refused batch goes into new batches of its round, once', async () => {
  const jobId = await insertJob(db.database, 9)
  await plan(jobId, 1)
  const [refused] = await listOpenBatches(db.database.drizzle, jobId)
  await mergeResults(db.database, refused as BatchRow, [judged(2, { status: 'failed', errorClass: 'invalid_request' })])
  const split = () => db.database.drizzle.transaction((tx) => splitBatch(tx, refused as BatchRow, 2))
  expect(await split()).toEqual([2, 3])
  expect(await split()).toEqual([2, 3])
  const parts = (await listOpenBatches(db.database.drizzle, jobId)).filter(({ splitFrom }) => splitFrom === 1)
  expect(parts.map(({ round, shard, items }) => [round, shard, items])).toEqual([
    [1, 1, 4],
    [1, 2, 4],
  ])
  expect((await Promise.all(parts.map(seqsOf))).flat()).toEqual([1, 3, 4, 5, 6, 7, 8, 9])
})
