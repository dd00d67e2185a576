import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { geminiAnswerFor, geminiEmbeddingFor, simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { batchesOf, eventTypes, outcomesOf, submissionsOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

// Some of these wait for several batches one after the other.
vi.setConfig({ testTimeout: 90_000 })

const model = 'gemini-2.5-flash'

let stack: JobStack
let simulator: SimulatorControl
beforeAll(async () => {
  stack = await startJobStack({ environment: { BATCHWRIGHT_SIMULATE: 'openai,gemini' } })
  simulator = simulatorControl(stack.simulator.url)
})
afterAll(() => stack.stop())
beforeEach(async () => {
  await simulator.clearFaults()
  await simulator.setOptions({ curve: 'linear', duration_ms: 100, window_ms: 600_000, cancelling_ms: 50, quirks: {} })
})

const prompt = (text: string) => ({ contents: [{ role: 'user', parts: [{ text }] }] })
const promptsOf = (count: number, what: string): string[] =>
  Array.from({ length: count }, (_, index) => `Gemini, ${what}: what is ${index} + 1?`)
const submit = (prompts: readonly string[], spec: object = {}): Promise<string> =>
  createJob(
    stack,
    prompts.map((text) => ({ prompt: text })),
    { provider: 'gemini', model, ...spec },
  )

/** Each answer is that of its own prompt. */
async function expectAnswers(jobId: string, prompts: readonly string[]): Promise<void> {
  const rows = await outcomesOf(stack, jobId)
  expect(rows.map(({ seq, status }) => [seq, status])).toEqual(prompts.map((_, index) => [index + 1, 'succeeded']))
  for (const row of rows) {
    const answer = geminiAnswerFor(model, prompt(prompts[row.seq - 1] as string))
    const text = answer.candidates?.[0]?.content?.parts?.map((part) => part.text ?? '').join('')
    expect((JSON.parse(row.answer ?? '{}') as { text: string }).text).toBe(text)
  }
}

const geminiBatches = async () => (await simulator.books()).batches.filter(({ provider }) => provider === 'gemini')

test('a job of two batches with files and a small one without: every answer, once, at its own prompt', async () => {
  const prompts = promptsOf(130, 'files')
  const before = (await geminiBatches()).length
  const jobId = await submit(prompts, { limits: { max_batch_requests: 60 } })
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 130 })
  await expectAnswers(jobId, prompts)
  const batches = (await geminiBatches()).slice(before)
  expect(
    batches
      .map(({ total, input_file_id: file }) => [total, file !== null])
      .sort(([left], [right]) => Number(left) - Number(right)),
  ).toEqual([
    [10, false],
    [60, true],
    [60, true],
  ])
})

test.each([
  ['with a file', 60],
  ['with its requests', 5],
])('a create %s whose answer is lost is found by its name, and adopted: nothing is sent twice', async (how, count) => {
  const before = (await geminiBatches()).length
  await simulator.addFault('batches.create:accept_then_drop')
  const prompts = promptsOf(count, `lost ${how}`)
  const jobId = await submit(prompts)
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: count })
  await expectAnswers(jobId, prompts)
  expect(await eventTypes(stack, jobId)).toContain('batch_adopted')
  // By a name there is nothing provisional about it.
  expect(await submissionsOf(stack, jobId)).toMatchObject([{ state: 'created', provisional: false, lookAlike: null }])
  expect(await geminiBatches()).toHaveLength(before + 1)
})

test('two small batches of one size are undecided at the same time, and each is found', async () => {
  const before = (await geminiBatches()).length
  await simulator.addFault('batches.create:accept_then_drop:times=2')
  const prompts = promptsOf(10, 'alike')
  const jobId = await submit(prompts, { limits: { max_batch_requests: 5 } })
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 10 })
  await expectAnswers(jobId, prompts)
  expect(await geminiBatches()).toHaveLength(before + 2)
})

test.each([
  ['of a file', 60],
  ['of a create', 3],
])('a line %s that is not taken fails alone, and the others are found their way around it', async (how, count) => {
  const prompts = promptsOf(count, `refused ${how}`)
  const culprit = 1
  prompts[culprit] += ' [[simulate:refused_line]]'
  const jobId = await submit(prompts)
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: count - 1, failed: 1 })
  const rows = await outcomesOf(stack, jobId)
  expect(rows.filter(({ status }) => status !== 'succeeded').map(({ seq, errorClass }) => [seq, errorClass])).toEqual([
    [culprit + 1, 'invalid_request'],
  ])
})

test('what expires is lost, and sent again', async () => {
  await simulator.setOptions({ curve: 'stalled', duration_ms: 300, window_ms: 900 })
  const prompts = promptsOf(6, 'expired')
  const jobId = await submit(prompts)
  await until('the batch to expire', async () => (await batchesOf(stack, jobId))[0]?.result === 'expired', 30_000)
  await simulator.setOptions({ curve: 'linear', duration_ms: 100, window_ms: 600_000 })
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 6 })
  await expectAnswers(jobId, prompts)
})

test('a batch that is cancelled keeps nothing, and its items end as cancelled', async () => {
  await simulator.setOptions({ duration_ms: 60_000 })
  const jobId = await submit(promptsOf(5, 'cancelled'))
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('cancel')
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'cancelled', cancelled: 5, succeeded: 0 })
})

test('embeddings go by their own method', async () => {
  const lines = ['a', 'b'].map((input) => ({ input, provider_options: { gemini: { outputDimensionality: 8 } } }))
  const jobId = await createJob(stack, lines, { provider: 'gemini', model: 'gemini-embedding-001' })
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 2 })
  const rows = await outcomesOf(stack, jobId)
  for (const [index, text] of ['a', 'b'].entries()) {
    const { values } = geminiEmbeddingFor({ content: { parts: [{ text }] }, outputDimensionality: 8 })
    expect((JSON.parse(rows[index]?.answer ?? '{}') as { embedding: number[] }).embedding).toEqual(values)
  }
})

test('a native line goes with its request untouched, and to others it is translated or refused by name', async () => {
  const text = 'Gemini, native: what is 1 + 1?'
  const jobId = await createJob(stack, [{ key: 'mine', request: prompt(text) }], { provider: 'gemini', model })
  expect(await jobAt(stack, jobId, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 1 })
  await expectAnswers(jobId, [text])
  const translated = await createJob(stack, [{ key: 'mine', request: prompt(text) }])
  expect(await jobAt(stack, translated, undefined, 60_000)).toMatchObject({ status: 'completed', succeeded: 1 })
  const cached = { ...prompt(text), cachedContent: 'cachedContents/c' }
  await expect(createJob(stack, [{ key: 'mine', request: cached }])).rejects.toThrow(/422 .*request\.cachedContent/)
})
