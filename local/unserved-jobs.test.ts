import { afterAll, beforeAll, expect, test } from 'vitest'
import { announceWorker } from '../db/workers.ts'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { describeUnservedJobs } from './unserved-jobs.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

test('open jobs that nobody here can go on with are told, each with what would', async () => {
  await insertJob(db.database, 1, { simulated: true })
  await insertJob(db.database, 1, { simulated: true, status: 'paused', pauseReason: 'auth' })
  await insertJob(db.database, 1, { simulated: true, status: 'completed' })
  await insertJob(db.database, 1, { simulated: false })
  expect(await describeUnservedJobs(db.database)).toEqual([
    "1 open job of openai can't go on here: start with its key, and without simulating openai",
    "2 open jobs of the simulated openai can't go on here: start with --simulate=openai",
  ])
  await announceWorker(db.database, 'one', [{ provider: 'openai', simulated: false }])
  expect(await describeUnservedJobs(db.database)).toHaveLength(1)
  await announceWorker(db.database, 'two', [{ provider: 'openai', simulated: true }])
  expect(await describeUnservedJobs(db.database)).toEqual([])
})
