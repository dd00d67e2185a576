import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { loadBatch } from '../db/batches.ts'
import { loadJob } from '../db/job-state.ts'
import { startBatchActivities, type BatchActivities } from '../test/batch-activities.ts'
import { until } from '../test/services.ts'

/** Nobody waits for what is not looked at. */
const atOnce = { submission: { settleAfterMs: 0, settlePauseMs: 1 } }

let activities: BatchActivities
beforeAll(async () => {
  activities = await startBatchActivities()
})
afterAll(() => activities.close())
beforeEach(async () => {
  await activities.control.clearFaults()
  await activities.control.setOptions({ quirks: { list_delay_ms: 0 } })
})

test('a create without an answer is looked up after its deadline and the time to settle, not before', async () => {
  const timing = { submission: { sendWindowMs: 60_000, settleAfterMs: 120_000 } }
  const key = await activities.uploadedBatch()
  const listed = await activities.callsOf('batches.list')
  await activities.control.addFault('batches.create:accept_then_drop')
  const unclear = await activities.run('submit', key, timing)
  expect(unclear.phase).toBe('settle')
  expect(unclear.waitMs).toBeGreaterThan(120_000)
  // Another try of the same step, after a crash: it finds the row and waits as well.
  const again = await activities.run('submit', key, timing)
  expect(again.phase).toBe('settle')
  expect(again.waitMs).toBeGreaterThan(120_000)
  const early = await activities.run('settle', key, timing)
  expect(early.phase).toBe('settle')
  expect(early.waitMs).toBeGreaterThan(120_000)
  await activities.passDeadline(key)
  const stillEarly = await activities.run('settle', key, timing)
  expect(stillEarly.phase).toBe('settle')
  expect(stillEarly.waitMs).toBeGreaterThan(60_000)
  expect(await activities.callsOf('batches.list')).toBe(listed)
  expect(await activities.submissionOf(key)).toMatchObject({ state: 'sending', settledAt: null })
  expect(await activities.remoteOf(key)).toHaveLength(1)
})

test('a batch is absent only when two complete listings miss it', async () => {
  const key = await activities.uploadedBatch()
  await activities.control.addFault('batches.create:refuse')
  expect(await activities.run('submit', key)).toMatchObject({ phase: 'settle' })
  await activities.passDeadline(key)
  const listed = await activities.callsOf('batches.list')
  expect(await activities.run('settle', key, atOnce)).toMatchObject({ phase: 'admit' })
  expect(await activities.callsOf('batches.list')).toBe(listed + 2)
  expect(await activities.submissionOf(key)).toMatchObject({ state: 'absent' })
})

test('a batch that the first listing hides and the second one shows is adopted', async () => {
  const key = await activities.uploadedBatch()
  await activities.control.addFault('batches.create:accept_then_drop')
  await activities.run('submit', key)
  await activities.passDeadline(key)
  await activities.control.setOptions({ quirks: { list_delay_ms: 3_600_000 } })
  await activities.control.addFault('batches.list:hold')
  const settled = activities.run('settle', key, atOnce)
  // A held call is carried out already: what the first listing says can't change any more.
  await until('the first listing', async () => {
    const reply = await fetch(`${activities.simulator.url}/_simulator/faults`)
    return ((await reply.json()) as { held: unknown[] }).held.length === 1
  })
  await activities.control.setOptions({ quirks: { list_delay_ms: 0 } })
  await activities.control.release('batches.list')
  expect(await settled).toMatchObject({ phase: 'poll' })
  const { state, providerBatchId } = await activities.submissionOf(key)
  expect(state).toBe('created')
  expect(await activities.remoteOf(key)).toEqual([providerBatchId])
})

test('a try that comes to its POST after the deadline sends nothing, and knows that it did not', async () => {
  const key = await activities.uploadedBatch()
  const late = activities.run('submit', key, {
    submission: { sendWindowMs: 1000 },
    reach: async (point) => {
      if (point !== 'submit.before_post') return
      const { sendDeadline } = await activities.submissionOf(key)
      await until('the deadline', () => Date.now() > sendDeadline.getTime())
    },
  })
  await expect(late).rejects.toThrow('the deadline for sending has passed')
  expect(await activities.remoteOf(key)).toEqual([])
  expect(await activities.submissionOf(key)).toMatchObject({ state: 'not_created' })
  expect(await loadBatch(activities.db.database.drizzle, key.jobId, key.batch)).toMatchObject({ status: 'submitting' })
})

test('a new batch that the provider does not know yet is asked for again; later it is not, and the job pauses', async () => {
  const key = await activities.uploadedBatch()
  expect(await activities.run('submit', key)).toMatchObject({ phase: 'poll' })
  await activities.control.setOptions({ quirks: { retrieve_delay_ms: 3_600_000 } })
  await expect(activities.run('poll', key, { submission: { settleAfterMs: 600_000 } })).rejects.toMatchObject({
    type: 'provider_transient',
    nonRetryable: false,
  })
  expect(await loadJob(activities.db.database.drizzle, key.jobId)).toMatchObject({ pauseReason: null })
  await activities.control.setOptions({ quirks: { retrieve_delay_ms: 0 } })
  expect(await activities.run('poll', key)).toMatchObject({ phase: expect.stringMatching(/poll|fetch/) })
  await activities.control.addFault('batches.retrieve:status:status=404')
  expect(await activities.run('poll', await startedBatch(), atOnce)).toMatchObject({ phase: 'poll', waitMs: null })
})

async function startedBatch() {
  const key = await activities.uploadedBatch()
  expect(await activities.run('submit', key)).toMatchObject({ phase: 'poll' })
  return key
}
