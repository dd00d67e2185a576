import { defineSearchAttributeKey } from '@temporalio/common'
import { expect, test } from 'vitest'
import { batchesOf, expectKept, submissionsOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'
import { startSimulator } from '../simulator/simulator.ts'

const jobStatus = defineSearchAttributeKey('JobStatus', 'KEYWORD')

test('a wrong key pauses the job; with the key mended, the worker restarted and `resume`, it goes on', async () => {
  // A provider that is not simulated, as far as Batchwright knows: its address happens to be the simulator's.
  const provider = await startSimulator({ duration_ms: 100 })
  afterwards(() => provider.close())
  const environment = { BATCHWRIGHT_SIMULATE: '', OPENAI_API_KEY: 'bad-key', OPENAI_BASE_URL: provider.baseUrls.openai }
  const stack = await startJobStack({ environment, worker: false })
  afterwards(() => stack.stop())
  const worker = await stack.startWorker()
  const prompts = [1, 2, 3].map((n) => `Wrong key: what is ${n} + 1?`)
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  const paused = await jobAt(stack, jobId, ['paused'])
  expect(paused).toMatchObject({ pauseReason: 'auth', simulated: false })
  expect(paused.pauseDetail).toMatch(/api key/i)
  expect(await submissionsOf(stack, jobId)).toEqual([])
  const workflow = stack.client.workflow.getHandle(`job-${jobId}`)
  const shownStatus = async () => (await workflow.describe()).typedSearchAttributes.get(jobStatus)
  await until('the pause to show in the Web UI', async () => (await shownStatus()) === 'paused')

  await worker.stop()
  await stack.startWorker({ OPENAI_API_KEY: 'mended-key' })
  await workflow.signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3 })
  await until('the end to show there', async () => (await shownStatus()) === 'completed')
  const [batch] = await batchesOf(stack, jobId)
  expect(batch).toMatchObject({ status: 'ended', result: 'completed' })
}, 40_000)

test('a simulated job never reaches a real provider: it pauses until it is simulated again', async () => {
  const stack = await startJobStack({ simulator: { duration_ms: 100 }, worker: false })
  afterwards(() => stack.stop())
  const prompts = ['Never real: what is 1 + 1?']
  const real = await stack.startWorker({
    BATCHWRIGHT_SIMULATE: '',
    OPENAI_API_KEY: 'a-real-key',
    OPENAI_BASE_URL: stack.simulator.baseUrls.openai,
  })
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({ pauseReason: 'provider_unconfigured' })
  await real.stop()
  await stack.startWorker()
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1 })
  await until('its batch to end', async () => (await batchesOf(stack, jobId))[0]?.status === 'ended')
  await expectKept(stack, jobId, prompts)
}, 40_000)
