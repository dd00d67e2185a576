import { afterAll, beforeAll, expect, test } from 'vitest'
import { simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { batchesOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { recordHistory } from './record-histories.ts'
import { until } from './services.ts'

/*
 * Writes test/histories/ anew: `npx vitest run --config test/record.config.ts`. Only after a change of the workflows that is versioned or breaks on
 * purpose; the old histories are what proves that running jobs go on.
 */
let stack: JobStack
let simulator: SimulatorControl
beforeAll(async () => {
  stack = await startJobStack()
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack.stop())

const lines = (name: string, count: number) => Array.from({ length: count }, (_, index) => ({ prompt: `${name} ${index}` }))
const firstRun = async (workflowId: string): Promise<string> => {
  let first: { runId: string; start: number } | null = null
  for await (const { runId, startTime } of stack.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    if (first === null || startTime.getTime() < first.start) first = { runId, start: startTime.getTime() }
  }
  if (first === null) throw new Error(`no run of ${workflowId}`)
  return first.runId
}

test('two rounds', async () => {
  await simulator.setOptions({ duration_ms: 500, item_faults: [{ kind: 'transient', rate: 0.5, first_attempts: 1 }] })
  const jobId = await createJob(stack, lines('two rounds', 20))
  await jobAt(stack, jobId)
  await until(
    'the workflow to end',
    async () => (await stack.client.workflow.getHandle(`job-${jobId}`).describe()).status.name === 'COMPLETED',
  )
  await recordHistory(stack.client, 'job-two-rounds', `job-${jobId}`)
  expect(await recordHistory(stack.client, 'batch-polled', `job-${jobId}-batch-1`)).toBeGreaterThan(10)
})

test('paused, resumed and polled', async () => {
  await simulator.setOptions({ duration_ms: 1500, item_faults: [{ kind: 'transient', rate: 0.5, first_attempts: 1 }] })
  const jobId = await createJob(stack, lines('paused', 10))
  const handle = stack.client.workflow.getHandle(`job-${jobId}`)
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await handle.signal('pause')
  await jobAt(stack, jobId, ['paused'])
  await handle.signal('poll')
  await until('round 2 to wait', async () => (await batchesOf(stack, jobId)).some(({ round }) => round === 2))
  await handle.signal('resume')
  await jobAt(stack, jobId)
  await until('the workflow to end', async () => (await handle.describe()).status.name === 'COMPLETED')
  expect(await recordHistory(stack.client, 'job-paused', `job-${jobId}`)).toBeGreaterThan(10)
})

test('cancelled', async () => {
  await simulator.setOptions({ duration_ms: 5000, item_faults: [] })
  const jobId = await createJob(stack, lines('cancelled', 10))
  const handle = stack.client.workflow.getHandle(`job-${jobId}`)
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await handle.signal('cancel')
  await jobAt(stack, jobId)
  await until('the workflow to end', async () => (await handle.describe()).status.name === 'COMPLETED')
  await recordHistory(stack.client, 'job-cancelled', `job-${jobId}`)
  expect(await recordHistory(stack.client, 'batch-cancelled', `job-${jobId}-batch-1`)).toBeGreaterThan(10)
})

test('retried on a closed job', async () => {
  await simulator.setOptions({ duration_ms: 100, item_faults: [] })
  const jobId = await createJob(stack, [...lines('retried', 2), { prompt: 'retried [[simulate:refusal times=1]]' }])
  await jobAt(stack, jobId)
  await stack.client.workflow.signalWithStart('batchJob', {
    taskQueue: 'batchwright',
    workflowId: `job-${jobId}`,
    args: [{ jobId }],
    signal: 'retry',
    signalArgs: [{ classes: ['refusal'] }],
  })
  await until('the answer', async () => (await jobAt(stack, jobId)).succeeded === 3)
  const handle = stack.client.workflow.getHandle(`job-${jobId}`)
  await until('the workflow to end', async () => (await handle.describe()).status.name === 'COMPLETED')
  expect(await recordHistory(stack.client, 'job-retried', `job-${jobId}`)).toBeGreaterThan(10)
})

test('continued as new', async () => {
  await simulator.setOptions({ duration_ms: 3000 })
  const jobId = await createJob(stack, lines('continued', 40), { limits: { max_batch_requests: 1 } })
  await jobAt(stack, jobId, undefined, 60_000)
  await recordHistory(stack.client, 'job-continued', `job-${jobId}`, await firstRun(`job-${jobId}`))
  await simulator.setOptions({ duration_ms: 20_000 })
  const polled = await createJob(stack, lines('continued batch', 1))
  const workflowId = `job-${polled}-batch-1`
  const first = await until(
    'the batch to start',
    async () => (await batchesOf(stack, polled))[0]?.status === 'in_progress' && (await firstRun(workflowId)),
  )
  await until(
    'it to continue as new',
    async () => (await stack.client.workflow.getHandle(workflowId, first).describe()).status.name === 'CONTINUED_AS_NEW',
    30_000,
  )
  await simulator.setOptions({ duration_ms: 0 })
  await jobAt(stack, polled)
  await recordHistory(stack.client, 'batch-continued', workflowId, first)
  expect(await recordHistory(stack.client, 'janitor', 'janitor')).toBeGreaterThan(10)
}, 120_000)
