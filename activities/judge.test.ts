import { Connection, WorkflowClient } from '@temporalio/client'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { noUsage } from '../core/money.ts'
import { mergeResults } from '../db/outcomes.ts'
import { batches, batchItems, outcomes } from '../db/schema.ts'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { insertJob, judged } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { loadContext, type BatchContext } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { failItems, failUnsendable, judge } from './judge.ts'

let db: TestDatabase
let dependencies: ActivityDependencies
beforeAll(async () => {
  db = await createTestDatabase()
  const config = loadConfig({ directory: '/nowhere', environment: {} })
  dependencies = {
    database: db.database,
    providers: createProviderRegistry([], loadCatalog(config.models)),
    workflows: new WorkflowClient({ connection: Connection.lazy() }),
    settings: { ...activitySettings(config), searchAttributes: false },
    logger: { info() {}, warn() {}, error() {} },
    redact: (text) => text,
    reach: () => {},
  }
})
afterAll(() => db.drop())

/** A job in its second round, which goes to a fallback model: the items in `failed` were answered badly in the first. */
async function secondRound(count: number, failed: readonly number[]): Promise<BatchContext> {
  const jobId = await insertJob(db.database, count, { round: 2 })
  for (const [index, model] of ['gpt-4o-mini', 'text-only'].entries()) {
    await db.database.drizzle.insert(batches).values({
      jobId,
      batch: index + 1,
      round: index + 1,
      shard: 1,
      provider: 'openai',
      simulated: true,
      model,
      endpoint: '/v1/chat/completions',
      listed: index === 1,
      seqFrom: 1,
      seqTo: count,
      items: count,
      bytes: 1,
      tokens: 1,
    })
  }
  const members = Array.from({ length: count }, (_, index) => ({ jobId, batch: 2, seq: index + 1 }))
  for (let from = 0; from < count; from += 1000)
    await db.database.drizzle.insert(batchItems).values(members.slice(from, from + 1000))
  const error = { class: 'invalid_output', code: 'invalid_output', message: 'the answer is not JSON', httpStatus: null }
  const { batch: first } = await loadContext(dependencies, { jobId, batch: 1 })
  await mergeResults(
    db.database,
    first,
    failed.map((seq) =>
      judged(seq, { becomes: 'attempt', status: 'failed', errorClass: 'invalid_output', error: JSON.stringify(error) }),
    ),
  )
  return await loadContext(dependencies, { jobId, batch: 2 })
}

async function ends({ job }: BatchContext) {
  const rows = await db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, job.id)).orderBy(outcomes.seq)
  return rows.map(({ seq, status, errorClass, error, attempts }) => {
    const { message } = JSON.parse(error ?? '{}') as { message: string }
    return { seq, status, errorClass, message, attempts }
  })
}

test('an item that a fallback model can not take ends as its last sending did; one that was never sent, with the reason', async () => {
  const context = await secondRound(2, [1])
  await failUnsendable(dependencies, context, [
    { seq: 1, reason: 'text-only takes no images' },
    { seq: 2, reason: 'text-only takes no images' },
  ])
  expect(await ends(context)).toEqual([
    {
      seq: 1,
      status: 'failed',
      errorClass: 'invalid_output',
      message: 'the answer is not JSON (text-only could not take it after that: text-only takes no images)',
      attempts: 1,
    },
    { seq: 2, status: 'failed', errorClass: 'invalid_request', message: 'text-only takes no images', attempts: 0 },
  ])
})

test('an item whose line the provider refused was sent: that counts, with the times before', async () => {
  const context = await secondRound(2, [1])
  await failItems(dependencies, context, [
    { seq: 1, reason: 'bad line', code: 'invalid_line' },
    { seq: 2, reason: 'bad line', code: 'invalid_line' },
  ])
  expect((await ends(context)).map(({ errorClass, message, attempts }) => [errorClass, message, attempts])).toEqual([
    ['invalid_request', 'bad line', 2],
    ['invalid_request', 'bad line', 1],
  ])
})

test('however many are refused, each ends once, a thousand at a time', async () => {
  const count = 2300
  const context = await secondRound(count, [1500])
  const refused = Array.from({ length: count }, (_, index) => ({ seq: index + 1, reason: 'no' }))
  for (let times = 0; times < 2; times++) await failUnsendable(dependencies, context, refused)
  const all = await ends(context)
  expect(all).toHaveLength(count)
  expect(all.filter(({ attempts }) => attempts > 0).map(({ seq }) => seq)).toEqual([1500])
  const [written] = await db.database
    .sql`select count(distinct xmin::text)::int as merges from outcomes where job_id = ${context.job.id}`
  expect(written).toEqual({ merges: 3 })
})

test('an answer to a schema that can not be used is kept and not asked for again', () => {
  const bench = { round: 1, maxRounds: 3, prices: () => null, defaultModel: 'gpt-4o-mini', redact: (text: string) => text }
  const content = { text: '{"a":1}', output: null, toolCalls: [], embedding: null }
  const received = { content, error: null, finishReason: 'stop', usage: noUsage, model: null } as const
  const result = judge(bench, 1, received, null, { type: 'objekt' }, [])
  expect(result).toMatchObject({
    becomes: 'outcome',
    status: 'failed',
    errorClass: 'invalid_request',
    answer: JSON.stringify(content),
  })
  expect(JSON.parse(result.error ?? '')).toMatchObject({ code: 'invalid_schema' })
})
