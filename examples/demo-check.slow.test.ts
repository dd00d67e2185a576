import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../api/main.ts'
import { Batchwright, type Job } from '../client/batchwright.ts'
import type { JsonObject } from '../core/json.ts'
import { startJobStack, type JobStack } from '../test/job-stack.ts'
import { until } from '../test/services.ts'
import { checkDemo } from './demo-check.ts'

const model = 'gpt-5-mini'
const example = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8')
const schema = JSON.parse(example('./support-tickets.schema.json')) as JsonObject

let stack: JobStack
let api: RunningApi
let client: Batchwright
let directory: string
let inputFile: string
let job: Job

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-demo-check-'))
  inputFile = join(directory, 'tickets.jsonl')
  writeFileSync(inputFile, `${example('./support-tickets.jsonl').split('\n').slice(0, 5).join('\n')}\n`)
  stack = await startJobStack({ simulator: { duration_ms: 50 } })
  api = await startApi(
    { ...stack.config, api: { host: '127.0.0.1', port: 0, key: null } },
    { debug() {}, info() {}, warn() {}, error: console.error },
  )
  client = new Batchwright({ url: api.url })
})

afterAll(async () => {
  await api?.stop()
  await stack?.stop()
  rmSync(directory, { recursive: true, force: true })
})

beforeEach(async () => {
  const created = await client.jobs.create({ provider: 'openai', model, schema, items: inputFile, keep_provider_files: true })
  job = await client.jobs.wait(created.id, { timeoutMs: 15_000 })
})

async function problems(changes: { job?: Job; workersKilled?: number } = {}): Promise<readonly string[]> {
  const simulatorUrl = stack.simulator.url
  return (await checkDemo({ client, job, inputFile, schema, model, simulatorUrl, workersKilled: 1, ...changes })).problems
}

test('a job whose answers are all right has no problems, and the summary says so', async () => {
  const findings = await checkDemo({
    client,
    job,
    inputFile,
    schema,
    model,
    simulatorUrl: stack.simulator.url,
    workersKilled: 1,
  })
  expect(findings).toMatchObject({ problems: [], summary: '5 items, 5 answers, 0 twice, 1 worker killed', sentAgain: 0 })
})

test('an answer that belongs to another prompt', async () => {
  await stack.db.database.sql`
    update outcomes set answer = (select answer from outcomes where job_id = ${job.id} and seq = 2)
    where job_id = ${job.id} and seq = 4`
  expect(await problems()).toEqual(['ticket-0004 has the answer of another prompt', '4 of 5 items have a right answer'])
})

test('an item without an answer', async () => {
  await stack.db.database.sql`delete from outcomes where job_id = ${job.id} and seq = 5`
  expect(await problems()).toContain('4 of 5 items have a right answer')
})

test('an item that failed', async () => {
  await stack.db.database.sql`update outcomes set status = 'failed', answer = null where job_id = ${job.id} and seq = 3`
  expect(await problems()).toContainEqual(expect.stringMatching(/^ticket-0003 failed/))
})

test('answers that the provider billed twice', async () => {
  // What a naive retry does: the same file in a second batch of the job.
  const provider = new OpenAI({ apiKey: 'simulated', baseURL: stack.simulator.baseUrls.openai, maxRetries: 0 })
  const first = (await provider.batches.list()).data.find(({ metadata }) =>
    metadata?.['batchwright']?.startsWith(`job-${job.id}-`),
  )
  const again = await provider.batches.create({
    input_file_id: first?.input_file_id ?? '',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { batchwright: `job-${job.id}-batch-1-again` },
  })
  await until('the second batch', async () => (await provider.batches.retrieve(again.id)).status === 'completed')
  expect(await problems()).toEqual(['5 items were paid for twice'])
})

test('a prompt that the provider never saw', async () => {
  const lines = example('./support-tickets.jsonl').split('\n')
  const whole = readFileSync(inputFile, 'utf8')
  writeFileSync(inputFile, `${lines.slice(0, 6).join('\n')}\n`)
  try {
    expect(await problems()).toEqual([
      "the simulator's books have no answer to 1 of the prompts",
      '5 of 6 items have a right answer',
    ])
  } finally {
    writeFileSync(inputFile, whole)
  }
})

test('a job that did not complete, or no worker that was killed', async () => {
  expect(await problems({ job: { ...job, status: 'paused' }, workersKilled: 0 })).toEqual([
    'the job is paused',
    '0 workers were killed instead of 1',
  ])
})
