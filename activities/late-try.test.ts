import { MockActivityEnvironment } from '@temporalio/testing'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadBatch, updateBatch } from '../db/batches.ts'
import { leases, outcomes, submissions } from '../db/schema.ts'
import { ProviderError, type Provider } from '../providers/provider.ts'
import { activityDependencies } from '../test/activity-dependencies.ts'
import { insertBatch, insertJob } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { createSubmitActivities } from './submit.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

/** A create that stands still until its submission was taken for absent and the batch was sent anew, and is refused then. */
async function submitLate(error: ProviderError) {
  const environment = { BATCHWRIGHT_SIMULATE: 'openai', BATCHWRIGHT_SIMULATOR_URL: 'http://127.0.0.1:9' }
  const dependencies = activityDependencies(db.database, environment)
  const jobId = await insertJob(db.database, 2)
  const { drizzle } = db.database
  const late: Provider = {
    ...(dependencies.providers.find('openai') as Provider),
    create: async () => {
      await drizzle.update(submissions).set({ state: 'absent' }).where(eq(submissions.jobId, jobId))
      await updateBatch(drizzle, jobId, 1, { status: 'in_progress', attempt: 3, providerBatchId: `batch_new_${jobId}` })
      throw error
    },
  }
  await insertBatch(db.database, jobId, 2, {
    status: 'submitting',
    attempt: 2,
    token: 'a'.repeat(16),
    inputFileId: 'file',
    requestHash: 'hash',
    keyFingerprint: late.keyFingerprint,
  })
  await drizzle.insert(leases).values({ jobId, batch: 1, lane: 'openai (simulated)', model: 'gpt-4o-mini', tokens: 20 })
  const activities = createSubmitActivities({ ...dependencies, providers: { ...dependencies.providers, find: () => late } })
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
