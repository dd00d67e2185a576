import { afterAll, beforeAll, expect, test } from 'vitest'
import { simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { batchesOf, expectKept, isOfJob } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

let stack: JobStack
let simulator: SimulatorControl
beforeAll(async () => {
  stack = await startJobStack()
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack.stop())

/** Runs that a workflow id has had. */
async function runsOf(workflowId: string): Promise<number> {
  let runs = 0
  for await (const execution of stack.client.workflow.list({ query: `WorkflowId = "${workflowId}"` }))
    runs += execution.workflowId === workflowId ? 1 : 0
  return runs
}

test('a batch that is polled for long continues as new, and goes on where it was', async () => {
  await simulator.setOptions({ duration_ms: 20_000 })
  const prompts = ['A batch that is polled for long: what is 1 + 1?']
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  await until('a second run', async () => (await runsOf(`job-${jobId}-batch-1`)) >= 2, 30_000)
  await simulator.setOptions({ duration_ms: 0 })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1 })
  await expectKept(stack, jobId, prompts)
}, 60_000)

test('a job of many batches continues as new and adopts those that run: none is started or created twice', async () => {
  await simulator.setOptions({ duration_ms: 3000 })
  const prompts = Array.from({ length: 60 }, (_, index) => `A job of many batches: what is ${index} + 1?`)
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
    { limits: { max_batch_requests: 1 } },
  )
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 60, round: 1 })
  expect(await runsOf(`job-${jobId}`)).toBeGreaterThanOrEqual(2)
  await expectKept(stack, jobId, prompts)
  expect(await batchesOf(stack, jobId)).toHaveLength(60)
  expect((await simulator.books()).batches.filter((batch) => isOfJob(batch, jobId))).toHaveLength(60)
}, 90_000)
