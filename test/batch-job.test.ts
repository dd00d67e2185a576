import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { attemptsOf, batchesOf, billOf, eventTypes, expectKept, outcomesOf, submissionsOf } from './job-checks.ts'
import { insertJob } from './job-rows.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

let stack: JobStack
let simulator: SimulatorControl
beforeAll(async () => {
  stack = await startJobStack()
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack.stop())
beforeEach(async () => {
  await simulator.clearFaults()
  await simulator.setOptions({
    duration_ms: 100,
    curve: 'linear',
    window_ms: 86_400_000,
    item_faults: [],
    enqueued_token_limit: null,
    quirks: {},
  })
})

let prompted = 0
/** Prompts that no other test uses: the simulator counts attempts by prompt. */
function promptsOf(count: number, directive = ''): string[] {
  prompted += 1
  return Array.from({ length: count }, (_, index) => `Test ${prompted}: what is ${index} + 1?${directive}`)
}
function linesOf(prompts: readonly string[]): Array<{ prompt: string }> {
  return prompts.map((prompt) => ({ prompt }))
}

async function retry(jobId: string): Promise<void> {
  const workflow = { taskQueue: 'batchwright', workflowId: `job-${jobId}`, args: [{ jobId }] }
  await stack.client.workflow.signalWithStart('batchJob', { ...workflow, signal: 'retry', signalArgs: [{}] })
}

test('every item is answered once, with the answer to its own prompt, and the cost is the bill', async () => {
  const prompts = promptsOf(60)
  const jobId = await createJob(stack, linesOf(prompts), { limits: { max_batch_requests: 25 } })
  const job = await jobAt(stack, jobId)
  expect(job).toMatchObject({ status: 'completed', succeeded: 60, attempts: 0, unpriced: 0 })
  await expectKept(stack, jobId, prompts)
  expect((await batchesOf(stack, jobId)).map(({ items, status, result }) => [items, status, result])).toEqual([
    [25, 'ended', 'completed'],
    [25, 'ended', 'completed'],
    [10, 'ended', 'completed'],
  ])
  expect(job.costNanos).toBe(await billOf(stack, jobId))
  expect((await eventTypes(stack, jobId)).at(-1)).toBe('completed')
})

test('500 items of which 10 % fail once: 500 answers in input order, and one attempt kept for each failed one', async () => {
  await simulator.setOptions({ item_faults: [{ kind: 'transient', rate: 0.1, first_attempts: 1 }] })
  const prompts = promptsOf(500)
  const jobId = await createJob(stack, linesOf(prompts))
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 500, failed: 0 })
  await expectKept(stack, jobId, prompts)
  const attempts = await attemptsOf(stack, jobId)
  const failedOnce = new Set((await outcomesOf(stack, jobId)).filter((row) => row.attempts === 2).map(({ seq }) => seq))
  expect(failedOnce.size).toBeGreaterThan(25)
  expect(failedOnce.size).toBeLessThan(90)
  expect(attempts.map(({ seq }) => seq)).toEqual([...failedOnce].sort((left, right) => left - right))
  expect(new Set(attempts.map(({ errorClass }) => errorClass))).toEqual(new Set(['transient']))
  expect((await batchesOf(stack, jobId)).map(({ round }) => round)).toEqual([1, 2])
})

test('lines that the provider names in a refused batch fail, and the rest is sent again in the same round', async () => {
  const [first, culprit, ...others] = [...promptsOf(1), ...promptsOf(1, ' [[simulate:refused_line]]'), ...promptsOf(4)]
  const prompts = [first, culprit, ...others] as string[]
  const jobId = await createJob(stack, linesOf(prompts))
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 5, failed: 1, round: 1, attempts: 0 })
  await expectKept(stack, jobId, prompts)
  expect((await outcomesOf(stack, jobId))[1]).toMatchObject({ status: 'failed', errorClass: 'invalid_request' })
  expect((await batchesOf(stack, jobId)).map(({ items, splitFrom, result }) => [items, splitFrom, result])).toEqual([
    [6, null, 'failed'],
    [5, 1, 'completed'],
  ])
})

test('a batch refused whole without a culprit is halved in its round until it is taken', async () => {
  await simulator.setOptions({ strict_parameters: true, max_requests: 5 })
  try {
    const prompts = promptsOf(8)
    const jobId = await createJob(stack, linesOf(prompts))
    expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 8, round: 1 })
    await expectKept(stack, jobId, prompts)
    const batches = await batchesOf(stack, jobId)
    expect(batches.map(({ items, splitFrom, result }) => [items, splitFrom, result])).toEqual([
      [8, null, 'failed'],
      [4, 1, 'completed'],
      [4, 1, 'completed'],
    ])
  } finally {
    await simulator.setOptions({ max_requests: 50_000 })
  }
})

test('the parts of a refused batch do not wait for the batches beside it', async () => {
  await simulator.setOptions({ strict_parameters: true, max_requests: 5, duration_ms: 60_000 })
  try {
    const prompts = promptsOf(8)
    const jobId = await createJob(stack, linesOf(prompts), { limits: { max_batch_requests: 6 } })
    const running = await until('both parts to run', async () => {
      const open = (await batchesOf(stack, jobId)).filter(({ status }) => status === 'in_progress')
      return open.length === 3 ? open : null
    })
    expect(running.map(({ batch, items, splitFrom }) => [batch, items, splitFrom])).toEqual([
      [2, 2, null],
      [3, 3, 1],
      [4, 3, 1],
    ])
    await simulator.setOptions({ duration_ms: 0 })
    expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 8, round: 1 })
    await expectKept(stack, jobId, prompts)
  } finally {
    await simulator.setOptions({ max_requests: 50_000, duration_ms: 0 })
  }
})

test('a batch that expires keeps its finished part; only the rest is sent again', async () => {
  await simulator.setOptions({ curve: 'stalled', duration_ms: 300, window_ms: 1000 })
  const prompts = promptsOf(40)
  const jobId = await createJob(stack, linesOf(prompts))
  await until('the first batch to expire', async () => (await batchesOf(stack, jobId))[0]?.result === 'expired')
  await simulator.setOptions({ curve: 'linear', window_ms: 86_400_000 })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 40 })
  await expectKept(stack, jobId, prompts)
  const [first, second] = await batchesOf(stack, jobId)
  const attempts = await attemptsOf(stack, jobId)
  expect(attempts.length).toBeGreaterThan(0)
  expect(attempts.length).toBeLessThan(40)
  expect(attempts.every(({ errorClass }) => errorClass === 'expired')).toBe(true)
  expect(second?.items).toBe(attempts.length)
  expect(first?.answered).toBe(40)
})

test('a cancelled job ends when the provider has cancelled, and keeps what was finished', async () => {
  await simulator.setOptions({ duration_ms: 4000, cancelling_ms: 200 })
  const prompts = promptsOf(50)
  const jobId = await createJob(stack, linesOf(prompts))
  await until('some progress', async () => ((await batchesOf(stack, jobId))[0]?.reportedDone ?? 0) > 3)
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('cancel')
  await jobAt(stack, jobId, ['cancelling', 'cancelled'])
  const job = await jobAt(stack, jobId)
  expect(job.status).toBe('cancelled')
  expect(job.succeeded).toBeGreaterThan(3)
  expect(job.cancelled).toBe(50 - job.succeeded)
  await expectKept(stack, jobId, prompts)
  expect((await batchesOf(stack, jobId)).map(({ result, providerStatus }) => [result, providerStatus])).toEqual([
    ['cancelled', 'cancelled'],
  ])
  expect(job.costNanos).toBe(await billOf(stack, jobId))
})

test("Temporal's own cancel equals the signal", async () => {
  await simulator.setOptions({ duration_ms: 4000 })
  const prompts = promptsOf(10)
  const jobId = await createJob(stack, linesOf(prompts))
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await stack.client.workflow.getHandle(`job-${jobId}`).cancel()
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'cancelled' })
  await expectKept(stack, jobId, prompts)
})

test('a job cancelled before anything was sent sends nothing', async () => {
  const prompts = promptsOf(5)
  await simulator.addFault('files.create:status:status=503,times=always')
  const jobId = await createJob(stack, linesOf(prompts))
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('cancel')
  await jobAt(stack, jobId, ['cancelling', 'cancelled'])
  await simulator.clearFaults()
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'cancelled', cancelled: 5 })
  expect((await batchesOf(stack, jobId)).map(({ result }) => result)).toEqual(['not_sent'])
  expect(await submissionsOf(stack, jobId)).toEqual([])
})

test('a paused job submits nothing new, and still fetches what runs', async () => {
  await simulator.setOptions({ duration_ms: 700, item_faults: [{ kind: 'transient', rate: 0.5, first_attempts: 1 }] })
  const prompts = promptsOf(20)
  const jobId = await createJob(stack, linesOf(prompts))
  const handle = stack.client.workflow.getHandle(`job-${jobId}`)
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await handle.signal('pause')
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({ pauseReason: 'user' })
  await until('round 2 to wait', async () =>
    (await batchesOf(stack, jobId)).some(({ round, status }) => round === 2 && status === 'planned'),
  )
  expect((await batchesOf(stack, jobId))[0]).toMatchObject({ status: 'ended', answered: 20 })
  expect(await submissionsOf(stack, jobId)).toHaveLength(1)
  await handle.signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 20 })
  await expectKept(stack, jobId, prompts)
})

test('a batch that the provider does not know pauses the job, and resume goes on', async () => {
  await simulator.setOptions({ duration_ms: 500 })
  const prompts = promptsOf(5)
  const jobId = await createJob(stack, linesOf(prompts))
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await simulator.addFault('batches.retrieve:status:status=404,times=always')
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({ pauseReason: 'provider_batch_not_found' })
  await simulator.clearFaults()
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 5 })
  await expectKept(stack, jobId, prompts)
})

test('a batch over the enqueued-token limit goes back to admission and costs no round', async () => {
  // So that the batches meet at the provider, on however busy a machine.
  await simulator.setOptions({ duration_ms: 60_000, enqueued_token_limit: 100 })
  const prompts = promptsOf(20)
  const jobId = await createJob(stack, linesOf(prompts), { limits: { max_batch_requests: 5 } })
  await until('a refusal', async () => (await eventTypes(stack, jobId)).includes('batch_readmitted'))
  await simulator.setOptions({ duration_ms: 300 })
  const job = await jobAt(stack, jobId)
  expect(job).toMatchObject({ status: 'completed', succeeded: 20, round: 1, attempts: 0 })
  await expectKept(stack, jobId, prompts)
  const states = (await submissionsOf(stack, jobId)).map(({ state }) => state)
  expect(states).toContain('abandoned')
  expect(states.filter((state) => state === 'created')).toHaveLength(4)
})

test('retry sends what did not succeed again, under the same job', async () => {
  const prompts = [...promptsOf(3), ...promptsOf(1, ' [[simulate:transient times=3]]')]
  const jobId = await createJob(stack, linesOf(prompts))
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3, failed: 1 })
  await retry(jobId)
  await until('all to be answered', async () => (await jobAt(stack, jobId)).succeeded === 4)
  await expectKept(stack, jobId, prompts)
  expect((await attemptsOf(stack, jobId)).map(({ seq, round }) => [seq, round])).toEqual([
    [4, 1],
    [4, 2],
    [4, 3],
  ])
})

test('a cancel takes back a retry that was asked for before it', async () => {
  await simulator.setOptions({ duration_ms: 3000 })
  const prompts = promptsOf(6)
  const jobId = await createJob(stack, linesOf(prompts))
  const handle = stack.client.workflow.getHandle(`job-${jobId}`)
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await handle.signal('retry', {})
  await handle.signal('cancel')
  const job = await jobAt(stack, jobId)
  expect(job).toMatchObject({ status: 'cancelled', round: 1 })
  await until('the workflow to end', async () => (await handle.describe()).status.name === 'COMPLETED')
  expect(await batchesOf(stack, jobId)).toHaveLength(1)
  await expectKept(stack, jobId, prompts)
})

test('items that are refused for the key pause the job; they go on with resume', async () => {
  const prompts = [...promptsOf(2), ...promptsOf(1, ' [[simulate:auth times=1]]')]
  const jobId = await createJob(stack, linesOf(prompts))
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({ pauseReason: 'auth', succeeded: 2 })
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3 })
  await expectKept(stack, jobId, prompts)
})

test('a job that was queued without a workflow is started by the janitor', async () => {
  const [prompt] = promptsOf(1)
  const jobId = await insertJob(stack.db.database, 1, { status: 'queued', queuedAt: new Date(Date.now() - 60_000) }, () => ({
    line: JSON.stringify({ prompt }),
  }))
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1 })
  await expectKept(stack, jobId, [prompt as string])
})

test('a terminated workflow leaves a failed job and no batch behind; retry keeps its answers and sends the rest', async () => {
  await simulator.setOptions({ duration_ms: 1500 })
  const prompts = promptsOf(5)
  const jobId = await createJob(stack, linesOf(prompts))
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await stack.client.workflow.getHandle(`job-${jobId}`).terminate('by hand')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'failed', errorCode: 'workflow_terminated' })
  await until('its batch to be cancelled and read', async () => (await batchesOf(stack, jobId))[0]?.status === 'ended')
  const answered = (await outcomesOf(stack, jobId)).length
  await simulator.setOptions({ duration_ms: 100 })
  await retry(jobId)
  const job = await jobAt(stack, jobId, ['completed'])
  expect(job.succeeded).toBe(5)
  await expectKept(stack, jobId, prompts)
  expect((await batchesOf(stack, jobId))[1]?.items).toBe(5 - answered)
})
