import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { anthropicAnswerFor, simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { attemptsOf, batchesOf, eventTypes, outcomesOf, submissionsOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

const model = 'claude-sonnet-4-5'

let stack: JobStack
let simulator: SimulatorControl
beforeAll(async () => {
  stack = await startJobStack({ environment: { BATCHWRIGHT_SIMULATE: 'openai,anthropic' } })
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack.stop())
beforeEach(async () => {
  await simulator.clearFaults()
  await simulator.setOptions({ duration_ms: 100, quirks: {} })
})

async function submit(prompts: readonly string[], spec: object = {}): Promise<string> {
  const lines = prompts.map((prompt) => ({ prompt, max_tokens: 500 }))
  return await createJob(stack, lines, { provider: 'anthropic', model, ...spec })
}

/** Each answer is that of its own prompt, and every batch at the provider is one of ours. */
async function expectAnswers(jobId: string, prompts: readonly string[]): Promise<void> {
  const rows = await outcomesOf(stack, jobId)
  expect(rows.map(({ seq, status }) => [seq, status])).toEqual(prompts.map((_, index) => [index + 1, 'succeeded']))
  for (const row of rows) {
    const content = prompts[row.seq - 1] as string
    const answer = anthropicAnswerFor({ model, max_tokens: 500, messages: [{ role: 'user', content }] })
    const text = answer.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
    expect((JSON.parse(row.answer ?? '{}') as { text: string }).text).toBe(text)
  }
}

const anthropicBatches = async () => (await simulator.books()).batches.filter(({ provider }) => provider === 'anthropic')

test('a job of three batches on Anthropic: every answer, once, at its own prompt', async () => {
  const prompts = Array.from({ length: 40 }, (_, index) => `Anthropic: what is ${index} + 1?`)
  const before = (await anthropicBatches()).length
  const jobId = await submit(prompts, { limits: { max_batch_requests: 15 } })
  expect(await jobAt(stack, jobId, undefined, 30_000)).toMatchObject({ status: 'completed', succeeded: 40 })
  await expectAnswers(jobId, prompts)
  // Only its size tells a batch: siblings differ.
  expect((await batchesOf(stack, jobId)).map(({ items }) => items)).toEqual([15, 14, 11])
  expect(await anthropicBatches()).toHaveLength(before + 3)
})

test('a create whose answer is lost is found by its time and size, and adopted: nothing is sent twice', async () => {
  const before = (await anthropicBatches()).length
  await simulator.addFault('batches.create:accept_then_drop')
  const prompts = Array.from({ length: 7 }, (_, index) => `Anthropic, lost: what is ${index} + 1?`)
  const jobId = await submit(prompts)
  expect(await jobAt(stack, jobId, undefined, 30_000)).toMatchObject({ status: 'completed', succeeded: 7 })
  await expectAnswers(jobId, prompts)
  expect(await eventTypes(stack, jobId)).toContain('batch_adopted')
  expect(await submissionsOf(stack, jobId)).toMatchObject([{ state: 'created', provisional: true, items: 7 }])
  expect(await anthropicBatches()).toHaveLength(before + 1)
})

test('a batch that is cancelled keeps what was finished, and the rest is not billed', async () => {
  await simulator.setOptions({ duration_ms: 60_000 })
  const prompts = Array.from({ length: 5 }, (_, index) => `Anthropic, cancelled: what is ${index} + 1?`)
  const jobId = await submit(prompts)
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('cancel')
  const job = await jobAt(stack, jobId, undefined, 30_000)
  expect(job.status).toBe('cancelled')
  expect(job.succeeded + job.cancelled).toBe(5)
})

test('a native line goes with its params untouched, and one of another provider is translated or refused by name', async () => {
  const prompt = 'Anthropic, native: what is 1 + 1?'
  const params = { model, max_tokens: 500, messages: [{ role: 'user', content: prompt }] }
  const jobId = await createJob(stack, [{ custom_id: 'mine', params }], { provider: 'anthropic', model })
  expect(await jobAt(stack, jobId, undefined, 30_000)).toMatchObject({ status: 'completed', succeeded: 1 })
  await expectAnswers(jobId, [prompt])
  const request = { contents: [{ role: 'user', parts: [{ text: prompt }] }], generationConfig: { maxOutputTokens: 500 } }
  const translated = await createJob(stack, [{ key: 'mine', request }], { provider: 'anthropic', model })
  expect(await jobAt(stack, translated, undefined, 30_000)).toMatchObject({ status: 'completed', succeeded: 1 })
  await expectAnswers(translated, [prompt])
  const atOpenAi = await createJob(stack, [{ custom_id: 'mine', params }])
  expect(await jobAt(stack, atOpenAi, undefined, 30_000)).toMatchObject({ status: 'completed', succeeded: 1 })
  const containers = { ...params, container: 'c' }
  await expect(createJob(stack, [{ custom_id: 'mine', params: containers }])).rejects.toThrow(/422 .*params\.container/)
})

test('an item without a line among the results is missing, and is sent again', async () => {
  const prompts = ['Anthropic, missing: what is 1 + 1?', 'Anthropic, missing: what is 2 + 1? [[simulate:missing times=1]]']
  const jobId = await submit(prompts)
  expect(await jobAt(stack, jobId, undefined, 30_000)).toMatchObject({ status: 'completed', succeeded: 2 })
  await expectAnswers(jobId, prompts)
  expect((await attemptsOf(stack, jobId)).map(({ seq, errorClass }) => [seq, errorClass])).toEqual([[2, 'missing']])
})
