import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertJob, judged } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { loadBatch } from './batches.ts'
import { mergeResults } from './outcomes.ts'
import { readRawResults, readResults } from './results.ts'
import { batches } from './schema.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

/** Outcomes with answers of these lengths. */
async function jobWithAnswers(lengths: readonly number[]): Promise<string> {
  const id = await insertJob(db.database, lengths.length)
  await db.database.drizzle.insert(batches).values({
    jobId: id,
    batch: 1,
    round: 1,
    shard: 0,
    provider: 'openai',
    simulated: true,
    model: 'gpt-4o-mini',
    endpoint: '/v1/chat/completions',
    listed: false,
    seqFrom: 1,
    seqTo: lengths.length,
    items: lengths.length,
    bytes: 1,
    tokens: 1,
  })
  const batch = await loadBatch(db.database.drizzle, id, 1)
  const results = lengths.map((length, index) => judged(index + 1, { answer: 'é'.repeat(length / 2), raw: '.'.repeat(length) }))
  for (let from = 0; from < results.length; from += 500) await mergeResults(db.database, batch, results.slice(from, from + 500))
  return id
}

const million = 1_000_000

test.for([
  ['answers', readResults],
  ['raw lines', readRawResults],
] as const)('%s that grow from small to huge are read in pages that don’t', async ([, read]) => {
  const id = await jobWithAnswers([...Array<number>(900).fill(10), ...Array<number>(12).fill(million), 9 * million, 10])
  const pages: Array<{ rows: number; bytes: number }> = []
  const seqs: number[] = []
  for await (const page of read(db.database, id, { afterSeq: 0 })) {
    const texts = page.map((row) => ('answer' in row ? row.answer : row.raw) ?? '')
    pages.push({ rows: page.length, bytes: Buffer.byteLength(texts.join('')) })
    seqs.push(...page.map(({ seq }) => seq))
  }
  expect(seqs).toEqual(Array.from({ length: 914 }, (_, index) => index + 1))
  // One answer may be larger than a page should be.
  for (const { rows, bytes } of pages) expect(rows === 1 || bytes <= 5 * million, `${rows} rows, ${bytes} bytes`).toBe(true)
  expect(pages.length).toBeLessThan(20)
})

test('a limit is kept over pages', async () => {
  const id = await jobWithAnswers([...Array<number>(250).fill(10), ...Array<number>(10).fill(million)])
  const read = await Array.fromAsync(readResults(db.database, id, { afterSeq: 3, limit: 253 }))
  expect(read.flat().map(({ seq }) => seq)).toEqual(Array.from({ length: 253 }, (_, index) => index + 4))
})
