import { MockActivityEnvironment } from '@temporalio/testing'
import { Connection, WorkflowClient } from '@temporalio/client'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { loadBatch, updateBatch } from '../db/batches.ts'
import { batches, leases, outcomes, submissions } from '../db/schema.ts'
import { loadCatalog } from '../models/catalog.ts'
import { ProviderError, type Provider } from '../providers/provider.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { providerSettings } from '../worker/provider-settings.ts'
import { createSubmitActivities } from './submit.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

/** A create that stands still until its submission was taken for absent and the batch was sent anew, and is refused then. */
async function submitLate(error: ProviderError) {
  const environment = { BATCHWRIGHT_SIMULATE: 'openai', BATCHWRIGHT_SIMULATOR_URL: 'http://127.0.0.1:9' }
  const config = loadConfig({ directory: '/tmp', environment })
  const registry = createProviderRegistry(providerSettings(config), loadCatalog(config.models))
  const jobId = await insertJob(db.database, 2)
  const { drizzle } = db.database
  const late: Provider = {
    ...(registry.find('openai') as Provider),
    create: async () => {
      await drizzle.update(submissions).set({ state: 'absent' }).where(eq(submissions.jobId, jobId))
      await updateBatch(drizzle, jobId, 1, { status: 'in_progress', attempt: 3, providerBatchId: `batch_new_${jobId}` })
      throw error
    },
  }
  await drizzle.insert(batches).values({
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
    seqTo: 2,
    items: 2,
    bytes: 200,
    tokens: 20,
    status: 'submitting',
    attempt: 2,
    token: 'a'.repeat(16),
    inputFileId: 'file',
    requestHash: 'hash',
    keyFingerprint: late.keyFingerprint,
  })
  await drizzle.insert(leases).values({ jobId, batch: 1, lane: 'openai (simulated)', model: 'gpt-4o-mini', tokens: 20 })
  const activities = createSubmitActivities({
    database: db.database,
    providers: { ...registry, find: () => late },
    workflows: new WorkflowClient({ connection: Connection.lazy() }),
    settings: { ...activitySettings(config), searchAttributes: false },
    logger: { info() {}, warn() {}, error() {} },
    reach: () => {},
  })
  const step = await new MockActivityEnvironment().run(() => activities.submit({ jobId, batch: 1 }))
  return { jobId, step }
}

test.each([
  ['a refusal for good', new ProviderError('400 no', { kind: 'invalid', certainlyNotApplied: true })],
  [
    'a refusal for its tokens',
    new ProviderError('429 too much', { kind: 'rate_limited', code: 'token_limit_exceeded', certainlyNotApplied: true }),
  ],
])('%s that comes late changes nothing of the batch that was sent instead', async (_, error) => {
  const { jobId, step } = await submitLate(error)
  expect(step).toMatchObject({ phase: 'poll' })
  expect(await loadBatch(db.database.drizzle, jobId, 1)).toMatchObject({
    status: 'in_progress',
    attempt: 3,
    providerBatchId: `batch_new_${jobId}`,
  })
  expect(await db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId))).toEqual([])
  expect(await db.database.drizzle.select().from(leases).where(eq(leases.jobId, jobId))).toHaveLength(1)
})
