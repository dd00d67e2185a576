import { expect, test } from 'vitest'
import { simulatorControl, startSimulator } from '../simulator/simulator.ts'
import { eventTypes, isOfJob, outcomesOf, answerTo, submissionsOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'

test('a create of unknown fate waits for the key that sent it; with that key and `resume` its batch is adopted', async () => {
  // A provider that is not simulated, as far as Batchwright knows: its address happens to be the simulator's.
  const provider = await startSimulator({ duration_ms: 100 })
  afterwards(() => provider.close())
  const control = simulatorControl(provider.url)
  const environment = { BATCHWRIGHT_SIMULATE: '', OPENAI_API_KEY: 'the-first-key', OPENAI_BASE_URL: provider.baseUrls.openai }
  const stack = await startJobStack({ environment, worker: false })
  afterwards(() => stack.stop())
  const first = await stack.startWorker()
  const prompts = [1, 2, 3].map((n) => `Another key: what is ${n} + 1?`)
  await control.addFault('batches.create:accept_then_drop')
  // The first worker can't decide before it is gone.
  await control.addFault('batches.list:status:status=503,times=always')
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  await until('the create to be unclear', async () => (await eventTypes(stack, jobId)).includes('submission_unclear'), 40_000)
  await first.stop()
  await control.clearFaults()

  const second = await stack.startWorker({ OPENAI_API_KEY: 'another-key' })
  expect(await jobAt(stack, jobId, ['paused'], 60_000)).toMatchObject({ pauseReason: 'submission_unknown' })
  expect((await submissionsOf(stack, jobId)).map(({ state }) => state)).toEqual(['sending'])
  await second.stop()

  await stack.startWorker()
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('resume')
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 3, round: 1 })
  expect(await eventTypes(stack, jobId)).toContain('batch_adopted')
  const texts = (await outcomesOf(stack, jobId)).map(
    ({ answer }) => (JSON.parse(answer ?? 'null') as { text: string } | null)?.text,
  )
  expect(texts).toEqual(prompts.map((prompt) => answerTo(prompt)))
  const [submission, ...others] = await submissionsOf(stack, jobId)
  expect(others).toEqual([])
  const { batches } = await control.books()
  expect(batches.filter((batch) => isOfJob(batch, jobId)).map(({ id }) => id)).toEqual([submission?.providerBatchId])
})
