import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadBatch } from '../db/batches.ts'
import { loadJob } from '../db/job-state.ts'
import { startBatchActivities, type BatchActivities } from '../test/batch-activities.ts'

const second = { apiKey: 'sk-second' }
const atOnce = { submission: { settleAfterMs: 0, settlePauseMs: 1 } }

let activities: BatchActivities
beforeAll(async () => {
  activities = await startBatchActivities()
})
afterAll(() => activities.close())

test('a file that was uploaded with another key is of no use: the batch is uploaded again, and created from its new file', async () => {
  const { drizzle } = activities.db.database
  const key = await activities.uploadedBatch()
  const { inputFileId } = await loadBatch(drizzle, key.jobId, key.batch)
  expect(await activities.run('submit', key, second)).toMatchObject({ phase: 'admit' })
  expect(await loadBatch(drizzle, key.jobId, key.batch)).toMatchObject({ status: 'planned' })
  expect(await activities.remoteOf(key)).toEqual([])
  await activities.run('upload', key, second)
  expect(await activities.run('submit', key, second)).toMatchObject({ phase: 'poll' })
  const batch = await loadBatch(drizzle, key.jobId, key.batch)
  expect(batch).toMatchObject({ status: 'in_progress', attempt: 2 })
  expect(batch.inputFileId).not.toBe(inputFileId)
})

test('only the key that sent a create of unknown fate can tell what became of it: with another one the job pauses', async () => {
  const key = await activities.uploadedBatch()
  await activities.control.addFault('batches.create:accept_then_drop')
  expect(await activities.run('submit', key)).toMatchObject({ phase: 'settle' })
  await activities.passDeadline(key)
  const listed = await activities.callsOf('batches.list')
  expect(await activities.run('settle', key, { ...second, ...atOnce })).toMatchObject({ phase: 'settle', waitMs: null })
  expect(await loadJob(activities.db.database.drizzle, key.jobId)).toMatchObject({
    status: 'paused',
    pauseReason: 'submission_unknown',
  })
  expect(await activities.callsOf('batches.list')).toBe(listed)
  expect(await activities.run('settle', key, atOnce)).toMatchObject({ phase: 'poll' })
  const { state, providerBatchId } = await activities.submissionOf(key)
  expect(state).toBe('created')
  expect(await activities.remoteOf(key)).toEqual([providerBatchId])
})
