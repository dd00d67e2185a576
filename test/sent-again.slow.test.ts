import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { attemptsOf, batchesOf, expectKept, outcomesOf, submissionsOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'

let stack: JobStack
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 100 } })
})
afterAll(() => stack.stop())

interface SentBody {
  readonly model: string
  readonly messages: ReadonlyArray<{ role: string; content: string }>
  readonly max_tokens?: number
  readonly temperature?: number
  readonly top_p?: number
}

/** What the provider was sent in each round of a job of one item, read from the provider's own files. */
async function sentBodies(jobId: string): Promise<SentBody[]> {
  const batches = await batchesOf(stack, jobId)
  return await Promise.all(
    batches.map(async ({ inputFileId }) => {
      const url = `${stack.simulator.baseUrls.openai}/files/${inputFileId}/content`
      const file = await fetch(url, { headers: { authorization: 'Bearer simulated' } })
      return (JSON.parse(await file.text()) as { body: SentBody }).body
    }),
  )
}

const schema = {
  type: 'object',
  properties: { answer: { type: 'integer' } },
  required: ['answer'],
  additionalProperties: false,
}

/** Runs a job of this one line, whose files stay at the provider, to its end. */
async function run(line: JsonObject, spec: Parameters<typeof createJob>[2] = {}): Promise<string> {
  const jobId = await createJob(stack, [line], { keep_provider_files: true, ...spec })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed' })
  return jobId
}

test('after an answer that does not fit its schema the model is shown that answer and what is wrong with it', async () => {
  const prompt = 'Shown again: what is 1 + 1? [[simulate:invalid_output times=1 variant=prose]]'
  const jobId = await run({ prompt }, { schema })
  const [attempt] = await attemptsOf(stack, jobId)
  const rejected = (JSON.parse(attempt?.answer ?? 'null') as { text: string }).text
  const reason = (JSON.parse(attempt?.error ?? 'null') as { message: string }).message
  expect(rejected).not.toBe('')
  const [first, second] = await sentBodies(jobId)
  expect(first?.messages).toEqual([{ role: 'user', content: prompt }])
  expect(second?.messages).toEqual([
    { role: 'user', content: prompt },
    { role: 'assistant', content: rejected },
    { role: 'user', content: expect.stringContaining(reason) },
  ])
})

test('an invalid structured answer is sent again, and a fenced one is taken', async () => {
  const prompts = [
    'Structured: what is 1 + 1?',
    'Structured: what is 2 + 1? [[simulate:invalid_output times=1 variant=prose]]',
    'Structured: what is 3 + 1? [[simulate:invalid_output times=1 variant=fence]]',
  ]
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
    { schema },
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3 })
  const rows = await outcomesOf(stack, jobId)
  for (const row of rows)
    expect((JSON.parse(row.answer ?? '') as { output: unknown }).output).toEqual({ answer: expect.any(Number) })
  expect((await attemptsOf(stack, jobId)).map(({ seq, errorClass }) => [seq, errorClass])).toEqual([[2, 'invalid_output']])
})

test('after an answer that was cut off twice as many tokens are allowed', async () => {
  const jobId = await run({ prompt: 'Cut off: what is 1 + 1? [[simulate:truncated times=1]]', max_tokens: 40 })
  expect((await sentBodies(jobId)).map((body) => body.max_tokens)).toEqual([40, 80])
  expect((await outcomesOf(stack, jobId)).map(({ status, attempts }) => [status, attempts])).toEqual([['succeeded', 2]])
})

test('a parameter that the provider names and does not take is left out', async () => {
  const prompt = 'Not taken: what is 1 + 1? [[simulate:invalid_request param=temperature]]'
  const jobId = await run({ prompt, temperature: 0.5, top_p: 0.9 })
  const [first, second] = await sentBodies(jobId)
  expect(first).toMatchObject({ temperature: 0.5, top_p: 0.9 })
  expect(second).toMatchObject({ top_p: 0.9 })
  expect(second).not.toHaveProperty('temperature')
  expect((await outcomesOf(stack, jobId)).map(({ status, attempts }) => [status, attempts])).toEqual([['succeeded', 2]])
})

test('what is permanent is not sent again, and what fails to the last round ends as failed', async () => {
  const prompts = [
    'Permanent: what is 1 + 1?',
    'Permanent: what is 2 + 1? [[simulate:content_filter]]',
    'Permanent: what is 3 + 1? [[simulate:refusal]]',
    'Permanent: what is 4 + 1? [[simulate:transient times=always]]',
  ]
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1, failed: 3 })
  await expectKept(stack, jobId, prompts)
  const rows = await outcomesOf(stack, jobId)
  expect(rows.slice(1).map(({ errorClass, attempts }) => [errorClass, attempts])).toEqual([
    ['content_filter', 1],
    ['refusal', 1],
    ['transient', 3],
  ])
  expect((await batchesOf(stack, jobId)).map(({ round, items }) => [round, items])).toEqual([
    [1, 4],
    [2, 1],
    [3, 1],
  ])
})

test('fallback models take the last rounds, one each', async () => {
  const prompt = 'Falling back: what is 1 + 1? [[simulate:transient times=always]]'
  const spec = { retry: { max_rounds: 4, backoff: '20ms' }, fallback_models: ['gpt-4o', 'gpt-4.1'] }
  const jobId = await run({ prompt }, spec)
  const models = ['gpt-4o-mini', 'gpt-4o-mini', 'gpt-4o', 'gpt-4.1']
  expect((await sentBodies(jobId)).map(({ model }) => model)).toEqual(models)
  expect((await batchesOf(stack, jobId)).map(({ round, model }) => [round, model])).toEqual(
    models.map((model, index) => [index + 1, model]),
  )
})

test('a round waits for its backoff after the end of the one before it', async () => {
  const prompt = 'Backing off: what is 1 + 1? [[simulate:transient times=1]]'
  const jobId = await run({ prompt }, { retry: { backoff: '1500ms' } })
  const [first] = await batchesOf(stack, jobId)
  const [, second] = await submissionsOf(stack, jobId)
  expect((second?.intendedAt.getTime() ?? 0) - (first?.endedAt?.getTime() ?? Infinity)).toBeGreaterThanOrEqual(1500)
  expect(await outcomesOf(stack, jobId)).toMatchObject([{ status: 'succeeded', attempts: 2 }])
})

test('an item without a line in any result file is missing, and is sent again', async () => {
  const prompts = ['Missing: what is 1 + 1?', 'Missing: what is 2 + 1? [[simulate:missing times=1]]']
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 2 })
  await expectKept(stack, jobId, prompts)
  expect((await attemptsOf(stack, jobId)).map(({ seq, round, errorClass }) => [seq, round, errorClass])).toEqual([
    [2, 1, 'missing'],
  ])
  expect((await batchesOf(stack, jobId)).map(({ round, items }) => [round, items])).toEqual([
    [1, 2],
    [2, 1],
  ])
})

test('an item that is missing in the last round fails as such', async () => {
  const prompts = ['Missing for good: what is 1 + 1?', 'Missing for good: what is 2 + 1? [[simulate:missing]]']
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
    { retry: { max_rounds: 1 } },
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1, failed: 1, round: 1 })
  expect(await outcomesOf(stack, jobId)).toMatchObject([
    { status: 'succeeded' },
    { status: 'failed', errorClass: 'missing', attempts: 1 },
  ])
})
