import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Result } from '../client/batchwright.ts'
import type { JobSpec } from '../core/job-spec.ts'
import type { JsonObject } from '../core/json.ts'
import { answerFor, simulatorControl } from '../simulator/simulator.ts'
import { batchesOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

// What is asked for, and what comes back for it, through the whole of a job.

let stack: JobStack
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 50 } })
})
afterAll(() => stack.stop())

async function resultsOf(jobId: string): Promise<Result[]> {
  const response = await stack.app.router.request(`http://127.0.0.1/v1/jobs/${jobId}/results`)
  return (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Result)
}

test('a job on /v1/chat/completions', async () => {
  const body = (content: string): JsonObject => ({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })
  const prompts = ['Chat: what is 1 + 1?', 'Chat: what is 2 + 1?']
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 2 })
  const texts = prompts.map((prompt) => {
    const answer = answerFor('/v1/chat/completions', body(prompt))
    return 'choices' in answer ? answer.choices[0]?.message.content : undefined
  })
  expect(await resultsOf(jobId)).toMatchObject(
    texts.map((text) => ({ status: 'succeeded', text, embedding: null, finish_reason: 'stop' })),
  )
})

test('a job on /v1/responses', async () => {
  const prompts = ['Response: what is 1 + 1?', 'Response: what is 2 + 1?']
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
    { endpoint: '/v1/responses' },
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 2 })
  const texts = prompts.map((prompt) => {
    const answer = answerFor('/v1/responses', { model: 'gpt-4o-mini', input: [{ role: 'user', content: prompt }] })
    const parts = 'output' in answer ? answer.output.flatMap((item) => (item.type === 'message' ? item.content : [])) : []
    return parts.map((part) => (part.type === 'output_text' ? part.text : '')).join('')
  })
  expect(texts[0]).toMatch(/./)
  expect(await resultsOf(jobId)).toMatchObject(
    texts.map((text) => ({ status: 'succeeded', text, embedding: null, finish_reason: 'stop' })),
  )
  expect((await batchesOf(stack, jobId)).map(({ endpoint }) => endpoint)).toEqual(['/v1/responses'])
})

test('a job on /v1/embeddings: the vector of each text is in its result', async () => {
  const inputs = ['Embedding: one', 'Embedding: two', 'Embedding: three']
  const model = 'text-embedding-3-small'
  const jobId = await createJob(
    stack,
    inputs.map((input) => ({ input })),
    { model },
  )
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 3 })
  const vectors = inputs.map((input) => {
    const answer = answerFor('/v1/embeddings', { model, input })
    return 'data' in answer ? answer.data[0]?.embedding : undefined
  })
  expect(vectors[0]).toHaveLength(1536)
  expect(await resultsOf(jobId)).toMatchObject(
    vectors.map((embedding) => ({ status: 'succeeded', text: null, embedding, usage: { output_tokens: 0 } })),
  )
  expect((await batchesOf(stack, jobId)).map(({ endpoint }) => endpoint)).toEqual(['/v1/embeddings'])
})

test('what was left out of a request at its first sending is in the warnings of its result', async () => {
  const lines = [{ prompt: 'Warned: x', temperature: 1 }, { prompt: 'Not warned: x' }]
  const jobId = await createJob(stack, lines, { model: 'gpt-5-mini' })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 2, attempts: 0 })
  expect((await resultsOf(jobId)).map(({ warnings }) => warnings)).toEqual([
    ['temperature left out: reasoning models do not take it'],
    [],
  ])
})

test('with keep_provider_files the files of a job stay at the provider, and without it they go', async () => {
  const files = async () => (await simulatorControl(stack.simulator.url).books()).files
  const leftBy = async (spec: JobSpec): Promise<string[]> => {
    const before = new Set((await files()).map(({ id }) => id))
    const jobId = await createJob(stack, [{ prompt: 'Files: x' }], spec)
    expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed' })
    // They are deleted after the job's end, as the last thing that its workflow does.
    const workflow = stack.client.workflow.getHandle(`job-${jobId}`)
    await until('the workflow to end', async () => (await workflow.describe()).status.name === 'COMPLETED')
    const left = (await files()).filter(({ id }) => !before.has(id))
    return left.map(({ purpose }) => purpose).toSorted()
  }
  expect(await leftBy({ keep_provider_files: true })).toEqual(['batch', 'batch_output'])
  expect(await leftBy({})).toEqual([])
})
