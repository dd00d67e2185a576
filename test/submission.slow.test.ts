import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { batchesOf, eventTypes, expectKept, isOfJob, submissionsOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, submissionTiming, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

let stack: JobStack
let simulator: SimulatorControl
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 100 } })
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack.stop())
beforeEach(async () => {
  await simulator.clearFaults()
  await simulator.setOptions({ quirks: {} })
})

let prompted = 0

/** Runs a job of three items under a fault and says what its submissions came to, and how many batches the provider has of it. */
async function submitUnder(
  fault: string,
): Promise<{ jobId: string; states: string[]; createdAtProvider: number; attempts: number }> {
  prompted += 1
  const prompts = [1, 2, 3].map((n) => `Submission test ${prompted}: what is ${n} + 1?`)
  await simulator.addFault(fault)
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3, round: 1, attempts: 0 })
  await expectKept(stack, jobId, prompts)
  const books = await simulator.books()
  const [batch] = await batchesOf(stack, jobId)
  return {
    jobId,
    states: (await submissionsOf(stack, jobId)).map(({ state }) => state),
    createdAtProvider: books.batches.filter((batch) => isOfJob(batch, jobId)).length,
    attempts: batch?.attempt ?? 0,
  }
}

test('a create that was accepted but never answered is adopted, not sent again', async () => {
  const { states, createdAtProvider, attempts, jobId } = await submitUnder('batches.create:accept_then_drop')
  expect({ states, createdAtProvider, attempts }).toEqual({ states: ['created'], createdAtProvider: 1, attempts: 1 })
  expect(await eventTypes(stack, jobId)).toContain('batch_adopted')
})

test('a create that is not answered is given up at its deadline, and adopted', async () => {
  const { states, createdAtProvider, attempts, jobId } = await submitUnder('batches.create:hold')
  expect({ states, createdAtProvider, attempts }).toEqual({ states: ['created'], createdAtProvider: 1, attempts: 1 })
  expect(await eventTypes(stack, jobId)).toEqual(expect.arrayContaining(['submission_unclear', 'batch_adopted']))
})

for (const status of [500, 503, 408, 409]) {
  test(`a ${status} to a create is ambiguous: it is looked up, found absent twice, and sent as a new attempt`, async () => {
    const { states, createdAtProvider, attempts, jobId } = await submitUnder(`batches.create:status:status=${status}`)
    expect({ states, createdAtProvider, attempts }).toEqual({ states: ['absent', 'created'], createdAtProvider: 1, attempts: 2 })
    const [absent] = await submissionsOf(stack, jobId)
    const settledAfterMs = (absent?.settledAt?.getTime() ?? 0) - (absent?.sendDeadline.getTime() ?? 0)
    expect(settledAfterMs).toBeGreaterThanOrEqual(submissionTiming.settleAfterMs)
  })
}

test('a connection that was cut before the request was read is ambiguous, too', async () => {
  const { states, createdAtProvider } = await submitUnder('batches.create:refuse')
  expect({ states, createdAtProvider }).toEqual({ states: ['absent', 'created'], createdAtProvider: 1 })
})

test('a 429 is a certain no: the same file is sent again after Retry-After', async () => {
  const { states, createdAtProvider, attempts } = await submitUnder('batches.create:status:status=429,retry_after=1,times=2')
  expect({ states, createdAtProvider, attempts }).toEqual({
    states: ['not_created', 'not_created', 'created'],
    createdAtProvider: 1,
    attempts: 1,
  })
})

test('Retry-After is waited for where it is longer than our own pause', async () => {
  const { jobId, states } = await submitUnder('batches.create:status:status=429,retry_after=4')
  expect(states).toEqual(['not_created', 'created'])
  const [refused, created] = await submissionsOf(stack, jobId)
  expect((created?.intendedAt.getTime() ?? 0) - (refused?.settledAt?.getTime() ?? Infinity)).toBeGreaterThanOrEqual(4000)
})

test('a create that is refused for good is tried once with a new file; then its items fail, and nothing hangs', async () => {
  const prompts = ['Refused for good: what is 1 + 1?']
  await simulator.addFault('batches.create:status:status=400,times=always')
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', failed: 1, round: 1 })
  await expectKept(stack, jobId, prompts)
  expect((await submissionsOf(stack, jobId)).map(({ state, attempt }) => [state, attempt])).toEqual([
    ['not_created', 1],
    ['not_created', 2],
  ])
})

test('a file that the provider lost before the create is uploaded again', async () => {
  const { states, createdAtProvider, attempts } = await submitUnder('batches.create:status:status=404')
  expect({ states, createdAtProvider, attempts }).toEqual({
    states: ['not_created', 'created'],
    createdAtProvider: 1,
    attempts: 2,
  })
})

test('a twin that a lagging listing hid is cancelled when it shows up, and its answers count for nothing', async () => {
  // Hidden for far longer than it takes to settle on a busy machine, and running for far longer than that.
  await simulator.setOptions({ duration_ms: 60_000, quirks: { list_delay_ms: 8000 } })
  try {
    prompted += 1
    const prompts = [1, 2, 3].map((n) => `Submission test ${prompted}: what is ${n} + 1?`)
    await simulator.addFault('batches.create:accept_then_drop')
    const jobId = await createJob(
      stack,
      prompts.map((prompt) => ({ prompt })),
    )
    await until('the twin to be cancelled', async () => (await eventTypes(stack, jobId)).includes('twin_cancelled'), 40_000)
    await simulator.setOptions({ duration_ms: 100 })
    expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3 })
    expect((await submissionsOf(stack, jobId)).map(({ state }) => state)).toEqual(['absent', 'created'])
    const books = await simulator.books()
    const mine = books.batches.filter((batch) => isOfJob(batch, jobId))
    expect(mine.map(({ status }) => status).sort()).toEqual(['cancelled', 'completed'])
  } finally {
    await simulator.setOptions({ duration_ms: 100 })
  }
}, 60_000)

test('minutes of 5xx on polls, and downloads that break off, only delay', async () => {
  await simulator.setOptions({
    quirks: { truncated_downloads: 2, repeated_lines: 0.5, foreign_lines: 2, lying_counts: true, empty_string_file_ids: true },
  })
  const { states, jobId } = await submitUnder('batches.retrieve:status:status=503,times=2')
  expect(states).toEqual(['created'])
  expect(await eventTypes(stack, jobId)).toContain('stray_results')
})
