import { afterAll, beforeAll, expect, test } from 'vitest'
import { simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { batchesOf, expectKept } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'

let stack: JobStack
let simulator: SimulatorControl
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 100 } })
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack.stop())

const prompts = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}: what is ${index} + 1?`)
const lines = (texts: readonly string[]) => texts.map((prompt) => ({ prompt }))
const signal = async (jobId: string, name: 'resume' | 'cancel') =>
  await stack.client.workflow.getHandle(`job-${jobId}`).signal(name)
const outcomesOf = async (jobId: string) => {
  const [row] = await stack.db.database.sql<[{ n: number; last: number }]>`
    select count(*)::int as n, coalesce(max(seq), 0) as last from outcomes where job_id = ${jobId}`
  return { ...row }
}

test('a canary that succeeds is followed by the rest, which has all its rounds', async () => {
  await simulator.setOptions({ item_faults: [] })
  const texts = prompts('A good canary', 40)
  const jobId = await createJob(stack, lines(texts), { canary: { items: 10 }, retry: { max_rounds: 1 } })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 40, round: 2 })
  expect(await batchesOf(stack, jobId)).toMatchObject([
    { round: 1, items: 10, seqFrom: 1, seqTo: 10 },
    // What was never sent is a range: of a large job no item is listed.
    { round: 2, items: 30, seqFrom: 11, seqTo: 40, listed: false },
  ])
  await expectKept(stack, jobId, texts)
})

test('a canary that fails pauses the job before anything else is sent; resume sends the rest all the same', async () => {
  await simulator.setOptions({ item_faults: [{ kind: 'invalid_request', rate: 1 }] })
  const texts = prompts('A bad canary', 30)
  const jobId = await createJob(stack, lines(texts), { canary: { items: 5, pass_rate: 0.5 } })
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({
    pauseReason: 'canary',
    pauseDetail: '0 of the first 5 items succeeded, below 50 %',
    failed: 5,
  })
  expect(await outcomesOf(jobId)).toEqual({ n: 5, last: 5 })
  expect(await batchesOf(stack, jobId)).toHaveLength(1)
  await simulator.setOptions({ item_faults: [] })
  await signal(jobId, 'resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 25, failed: 5 })
})

test('items of a canary that fail at first are sent again before it is judged; the rest has all its rounds', async () => {
  await simulator.setOptions({ item_faults: [{ kind: 'transient', rate: 1, first_attempts: 1 }] })
  const texts = prompts('A canary that stumbles', 20)
  const jobId = await createJob(stack, lines(texts), { canary: { items: 5 }, retry: { max_rounds: 2 } })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 20, failed: 0, round: 4 })
  expect((await batchesOf(stack, jobId)).map(({ round, items }) => [round, items])).toEqual([
    [1, 5],
    [2, 5],
    [3, 15],
    [4, 15],
  ])
  await expectKept(stack, jobId, texts)
})

test('a canary that is all of the job is none', async () => {
  await simulator.setOptions({ item_faults: [{ kind: 'invalid_request', rate: 1 }] })
  const jobId = await createJob(stack, lines(prompts('All of it', 4)), { canary: { items: 4 } })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', failed: 4 })
})

test('a failed canary is cancelled without sending more', async () => {
  await simulator.setOptions({ item_faults: [{ kind: 'invalid_request', rate: 1 }] })
  const jobId = await createJob(stack, lines(prompts('A cancelled canary', 30)), { canary: { items: 5 } })
  await jobAt(stack, jobId, ['paused'])
  await signal(jobId, 'cancel')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'cancelled', failed: 5, cancelled: 25 })
  const sent = (await batchesOf(stack, jobId)).length
  expect(Math.max(...(await batchesOf(stack, jobId)).map(({ seqTo }) => seqTo))).toBe(5)
  // Opened again it is a canary again: nobody has said that the rest may go.
  const workflow = { workflowId: `job-${jobId}`, taskQueue: 'batchwright', args: [{ jobId }] }
  await stack.client.workflow.signalWithStart('batchJob', { ...workflow, signal: 'retry', signalArgs: [{}] })
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({ pauseReason: 'canary' })
  expect((await batchesOf(stack, jobId)).length).toBeGreaterThan(sent)
  expect(Math.max(...(await batchesOf(stack, jobId)).map(({ seqTo }) => seqTo))).toBe(5)
})

test('a job of which too many items fail is paused once, and goes on when it is resumed', async () => {
  await simulator.setOptions({ item_faults: [{ kind: 'invalid_request', rate: 1 }] })
  const jobId = await createJob(stack, lines(prompts('Failing', 60)), {
    canary: { items: 25, pass_rate: 0 },
    max_failure_rate: 0.2,
    limits: { max_batch_requests: 25 },
  })
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({
    pauseReason: 'failure_rate',
    pauseDetail: '25 of 25 items failed, above 20 %',
  })
  await signal(jobId, 'resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', failed: 60 })
})
