import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { attemptsOf, eventTypes, expectKept, outcomesOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'

// Batches that are too large for their account, results that can't be read, keys that break on the way.

let stack: JobStack
let simulator: SimulatorControl

beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 100 } })
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack?.stop())
afterEach(async () => {
  await simulator.clearFaults()
  await simulator.setOptions({ enqueued_token_limit: null, quirks: { invalid_json_lines: 0 } })
})

const promptsOf = (count: number, text = '') => Array.from({ length: count }, (_, index) => `Question ${index + 1}${text}`)
const linesOf = (prompts: readonly string[]) => prompts.map((prompt) => ({ prompt }))

test('a batch that is larger than the token limit of the account is halved until its parts are taken', async () => {
  await simulator.setOptions({ enqueued_token_limit: 60 })
  const prompts = promptsOf(20)
  const jobId = await createJob(stack, linesOf(prompts))
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 20, round: 1, attempts: 0 })
  await expectKept(stack, jobId, prompts)
})

test('an item that is larger than the token limit by itself fails, and the others are answered', async () => {
  await simulator.setOptions({ enqueued_token_limit: 60 })
  const prompts = ['Short', `Long ${'word '.repeat(200)}`, 'Short as well']
  const jobId = await createJob(stack, linesOf(prompts))
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 2, failed: 1 })
  expect((await outcomesOf(stack, jobId))[1]).toMatchObject({ status: 'failed', errorClass: 'invalid_request' })
  await expectKept(stack, jobId, prompts)
})

test('lines that can not be read are no answers: their items are missing, and sent again', async () => {
  await simulator.setOptions({ quirks: { invalid_json_lines: 0.5 } })
  const prompts = promptsOf(20, ' that breaks off')
  const jobId = await createJob(stack, linesOf(prompts), { retry: { max_rounds: 12 } })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 20 })
  const attempts = await attemptsOf(stack, jobId)
  expect(attempts.length).toBeGreaterThan(0)
  expect(attempts.every(({ errorClass }) => errorClass === 'missing')).toBe(true)
  expect(await eventTypes(stack, jobId)).toContain('stray_results')
  await expectKept(stack, jobId, prompts)
})

test('a key that breaks during the last round costs no answer: the job pauses, and resume sends again', async () => {
  const prompts = promptsOf(3, ' [[simulate:auth times=1]]')
  const jobId = await createJob(stack, linesOf(prompts), { retry: { max_rounds: 1 } })
  expect(await jobAt(stack, jobId, ['paused'])).toMatchObject({ pauseReason: 'auth' })
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3, attempts: 3 })
  await expectKept(stack, jobId, prompts)
})

test('what a later sending leaves out is a warning of its answer', async () => {
  const prompts = promptsOf(2, ' [[simulate:invalid_request param=temperature]]')
  const jobId = await createJob(stack, linesOf(prompts), { temperature: 0.5 })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 2, attempts: 2 })
  for (const { warnings } of await outcomesOf(stack, jobId)) expect(warnings).toMatch(/temperature/)
})
