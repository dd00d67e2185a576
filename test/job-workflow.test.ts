import { defineSearchAttributeKey } from '@temporalio/common'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { searchAttributeNames } from '../core/task-queues.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf } from './job-checks.ts'
import { insertJob } from './job-rows.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

let stack: JobStack
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 60_000 } })
})
afterAll(() => stack.stop())

/** The line at the top of a workflow's page in the Web UI. */
async function currentDetails(workflowId: string): Promise<string | undefined> {
  const handle = stack.client.workflow.getHandle(workflowId)
  return (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails
}

/** The search attributes of a job's workflow as they are now. */
async function attributesOf(jobId: string): Promise<Record<string, unknown>> {
  const { typedSearchAttributes } = await stack.client.workflow.getHandle(`job-${jobId}`).describe()
  return Object.fromEntries(
    searchAttributeNames.map((name) => [name, typedSearchAttributes.get(defineSearchAttributeKey(name, 'KEYWORD'))]),
  )
}

test('a job is found in the Web UI by its id, name, provider and status, whoever started its workflow', async () => {
  // As if the API had stopped before it could start the workflow: the janitor does, which knows the id alone.
  const queued = { name: 'a shown job', status: 'queued', queuedAt: new Date(Date.now() - 60_000) } as const
  const jobId = await insertJob(stack.db.database, 1, queued)
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  expect(await attributesOf(jobId)).toEqual({
    JobId: jobId,
    JobName: 'a shown job',
    Provider: 'openai',
    JobStatus: 'in_progress',
  })
})

test('a job can be found from the moment its workflow is started', async () => {
  const jobId = await createJob(stack, [{ prompt: 'Found: what is 1 + 1?' }], { name: 'a found job' })
  const handle = stack.client.workflow.getHandle(`job-${jobId}`)
  // The API does not wait for it on a busy machine.
  const { events } = await until('the workflow', () => handle.fetchHistory().catch(() => null))
  const { indexedFields } = events?.[0]?.workflowExecutionStartedEventAttributes?.searchAttributes ?? {}
  expect(Object.keys(indexedFields ?? {}).toSorted()).toEqual(searchAttributeNames.toSorted())
})

test('the pages of a job and of its batches in the Web UI say where they stand', async () => {
  const jobId = await createJob(stack, [{ prompt: 'Shown: what is 1 + 1?' }])
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  expect(await currentDetails(`job-${jobId}`)).toBe('round 1: 1 batches')
  await until('the batch to say so', async () =>
    (await currentDetails(`job-${jobId}-batch-1`))?.startsWith('**poll** in_progress'),
  )
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('cancel')
  await jobAt(stack, jobId, ['cancelled'])
  await until('the end to be shown', async () => (await currentDetails(`job-${jobId}`)) === 'cancelled')
})

test('`poll` polls an open batch now, however far away its next poll is', async () => {
  const jobId = await createJob(stack, [{ prompt: 'Polled now: what is 1 + 1?' }], { polling: { initial: '10m', max: '10m' } })
  const polls = async () => (await batchesOf(stack, jobId))[0]?.polls ?? 0
  await until('the first poll', async () => (await polls()) === 1)
  const response = await stack.app.router.request(`http://127.0.0.1/v1/jobs/${jobId}/poll`, {
    method: 'POST',
    headers: { host: '127.0.0.1' },
  })
  expect(response.status).toBe(202)
  await until('the second poll', async () => (await polls()) === 2)
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: 0 })
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('poll')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1 })
})
