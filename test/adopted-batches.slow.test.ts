import { expect, test } from 'vitest'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'

const lines = [{ prompt: 'Adopted: what is 1 + 1?' }, { prompt: 'Adopted: what is 2 + 1?' }]

/** A job of two batches that run for long, of which the first lost its workflow and was started again. */
async function withRevivedBatch(): Promise<{ stack: JobStack; jobId: string }> {
  const stack = await startJobStack({ simulator: { duration_ms: 600_000 } })
  afterwards(() => stack.stop())
  const jobId = await createJob(stack, lines, { limits: { max_batch_requests: 1 } })
  const running = async () => (await batchesOf(stack, jobId)).filter(({ status }) => status === 'in_progress').length === 2
  await until('both batches to run', running, 30_000)
  const workflow = stack.client.workflow.getHandle(`job-${jobId}-batch-1`)
  const { runId } = await workflow.describe()
  await workflow.terminate('by hand')
  await until(
    'the batch to have a workflow again',
    async () => {
      const now = await workflow.describe()
      return now.runId !== runId && now.status.name === 'RUNNING'
    },
    40_000,
  )
  return { stack, jobId }
}

test('a cancel reaches a batch whose workflow died and was started again', async () => {
  const { stack, jobId } = await withRevivedBatch()
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('cancel')
  expect(await jobAt(stack, jobId, undefined, 40_000)).toMatchObject({ status: 'cancelled', cancelled: 2 })
  const { batches } = await simulatorControl(stack.simulator.url).books()
  expect(batches.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
}, 120_000)

test('a batch that waits for a person ends when its job was given up and its provider is served again', async () => {
  const stack = await startJobStack({ simulator: { duration_ms: 600_000 }, worker: false, goneAfterMs: 3000 })
  afterwards(() => stack.stop())
  const worker = await stack.startWorker()
  const jobId = await createJob(stack, lines.slice(0, 1))
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress', 30_000)
  await worker.stop()
  const without = await stack.startWorker({ BATCHWRIGHT_SIMULATE: '' })
  await jobAt(stack, jobId, ['paused'], 40_000)
  await stack.client.workflow.getHandle(`job-${jobId}`).terminate('by hand')
  await jobAt(stack, jobId, ['failed'], 40_000)
  await without.stop()
  await stack.startWorker()
  await until('the batch to end', async () => (await batchesOf(stack, jobId))[0]?.status === 'ended', 40_000)
  const { batches } = await simulatorControl(stack.simulator.url).books()
  expect(batches.map(({ status }) => status)).toEqual(['cancelled'])
}, 150_000)
