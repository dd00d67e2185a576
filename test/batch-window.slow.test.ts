import { WorkflowNotFoundError } from '@temporalio/common'
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { tickets } from '../db/schema.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'

test('of a job of 120 batches 100 have a workflow; when one of them ends, the next one gets its own', async () => {
  // One batch runs and the others wait for its room, which costs the least.
  const stack = await startJobStack({
    simulator: { duration_ms: 3_600_000 },
    yaml: 'providers: { openai: { max_in_flight_batches: 1 } }',
  })
  afterwards(() => stack.stop())
  const lines = Array.from({ length: 120 }, (_, index) => ({ prompt: `A window of batches: what is ${index} + 1?` }))
  const jobId = await createJob(stack, lines, { limits: { max_batch_requests: 1 } })
  const { workflow } = stack.client
  const hasWorkflow = async (batch: number) => {
    try {
      await workflow.getHandle(`job-${jobId}-batch-${batch}`).describe()
      return true
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false
      throw error
    }
  }
  const withWorkflow = async () => {
    const all = await Promise.all(lines.map(async (_, index) => ((await hasWorkflow(index + 1)) ? [index + 1] : [])))
    return all.flat()
  }
  const waiting = async () =>
    (await stack.db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))).map(({ batch }) => batch)
  await until('99 batches to wait for the first one', async () => (await waiting()).length >= 99, 90_000)
  // Obeyed by the job only after it has started what it starts.
  await workflow.getHandle(`job-${jobId}`).signal('pause')
  await jobAt(stack, jobId, ['paused'], 60_000)
  expect(await withWorkflow()).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  expect((await batchesOf(stack, jobId)).filter(({ status }) => status === 'in_progress')).toHaveLength(1)

  // What runs is polled and fetched in a paused job, too.
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: 0 })
  await until('the next batch to get a workflow', () => hasWorkflow(101), 60_000)
  expect(await withWorkflow()).toHaveLength(101)
  await workflow.getHandle(`job-${jobId}`).signal('cancel')
  expect(await jobAt(stack, jobId, ['cancelled'], 90_000)).toMatchObject({ succeeded: 1, cancelled: 119 })
})
