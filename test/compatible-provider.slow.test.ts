import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../api/main.ts'
import { createCliRunner, type CliRunner } from '../cli/testing/cli-process.ts'
import type { Batch, Job, Result } from '../client/batchwright.ts'
import { keyFingerprint, simulatorControl, startSimulator, type Simulator } from '../simulator/simulator.ts'
import { answerTo } from './job-checks.ts'
import { startJobStack, type JobStack } from './job-stack.ts'

// A provider of a name of its own that speaks OpenAI's protocol: here a second simulator, beside the one that plays OpenAI.

const model = 'acme-large'
const key = 'a-key-of-acme'

let acme: Simulator
let stack: JobStack
let api: RunningApi
let cli: CliRunner

beforeAll(async () => {
  acme = await startSimulator({ duration_ms: 100 })
  stack = await startJobStack({
    simulator: { duration_ms: 100 },
    yaml: documentedConfig().replace('https://llm.acme.example/v1', acme.baseUrls.openai),
    environment: { ACME_API_KEY: key },
  })
  api = await startApi(
    { ...stack.config, api: { host: '127.0.0.1', port: 0, key: null } },
    { debug() {}, info() {}, warn() {}, error: console.error },
  )
  cli = createCliRunner({ BATCHWRIGHT_URL: api.url })
})

afterAll(async () => {
  await api?.stop()
  await stack?.stop()
  await acme?.close()
  cli?.remove()
})

/** The example in docs/providers.md, word for word. */
function documentedConfig(): string {
  const documentation = readFileSync(fileURLToPath(new URL('../docs/providers.md', import.meta.url)), 'utf8')
  const section = documentation.split('### Compatible endpoints\n')[1] ?? ''
  return /```yaml\n(.*?)```/s.exec(section)?.[1] ?? ''
}

const prompts = (provider: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `What does ${provider} say to ${index + 1}?`)

async function submit(target: string, asked: readonly string[]): Promise<{ job: Job; results: Result[]; batches: Batch[] }> {
  const provider = target.split('/', 1)[0] ?? ''
  const lines = asked.map((prompt, index) => ({ custom_id: `${provider}-${index + 1}`, prompt }))
  const file = cli.writeLines(`${provider}.jsonl`, lines)
  const submitted = await cli.run('submit', file, '-m', target, '--max-batch-requests', '20', '--wait', '--json')
  expect(submitted.code, submitted.stderr).toBe(0)
  const job = JSON.parse(submitted.stdout) as Job
  const results = (await cli.run('results', job.id)).stdout.trimEnd().split('\n')
  return {
    job,
    results: results.map((line) => JSON.parse(line) as Result),
    batches: JSON.parse((await cli.run('batches', job.id, '--json')).stdout) as Batch[],
  }
}

test('a job of its own key and address, beside one of OpenAI: each has its answers and batches, and neither reaches the other', async () => {
  const askedOfAcme = prompts('acme', 50)
  const askedOfOpenai = prompts('openai', 30)
  const [atAcme, atOpenai] = await Promise.all([submit(`acme/${model}`, askedOfAcme), submit('openai/gpt-5-mini', askedOfOpenai)])

  expect(atAcme.results.map(({ custom_id, text }) => [custom_id, text])).toEqual(
    askedOfAcme.map((prompt, index) => [`acme-${index + 1}`, answerTo(prompt)]),
  )
  expect(atOpenai.results.map(({ text }) => text)).toEqual(askedOfOpenai.map((prompt) => answerTo(prompt)))
  for (const result of atAcme.results)
    expect(result).toMatchObject({ status: 'succeeded', provider: 'acme', model, cost_usd: null, simulated: false })
  for (const { provider, cost_usd } of atOpenai.results) {
    expect(provider).toBe('openai')
    expect(Number(cost_usd)).toBeGreaterThan(0)
  }

  // The books of either have its own batches, which are the ones that are listed, and nothing else.
  for (const [simulator, { job, batches }, used, sizes] of [
    [acme, atAcme, key, [20, 20, 10]],
    [stack.simulator, atOpenai, 'simulated', [20, 10]],
  ] as const) {
    expect(batches.map(({ provider, items }) => [provider, items])).toEqual(sizes.map((size) => [job.provider, size]))
    const control = simulatorControl(simulator.url)
    const books = await control.books()
    expect(books.batches).toHaveLength(batches.length)
    expect(new Set(books.batches.map(({ id }) => id))).toEqual(new Set(batches.map((batch) => batch.provider_batch_id)))
    expect(new Set(books.batches.map((batch) => batch.key))).toEqual(new Set([keyFingerprint(used)]))
    expect(books.create_calls.every((call) => call.key === keyFingerprint(used))).toBe(true)
    const models = new Set<string>()
    for await (const request of control.requests()) models.add(request.model)
    expect([...models]).toEqual([job.model])
  }
  const listed = JSON.parse((await cli.run('list', '--provider', 'acme', '--json')).stdout) as Job[]
  expect(listed.map(({ id }) => id)).toEqual([atAcme.job.id])
})

test('what it costs is not known, and is said so instead of nothing', async () => {
  const { job } = await submit(`acme/${model}`, prompts('acme, for a price', 3))
  expect(job).toMatchObject({ cost_usd: '0', unpriced_items: 3 })
  expect((await cli.run('status', job.id)).stdout).toContain('3 answers of models without a known price')
  expect((await cli.run('costs', job.id)).stdout).toContain('3 answers of models without a known price: not in the cost.')
})

test('a provider without batches refuses a job before anything of it is stored, and names the setting', async () => {
  const file = cli.writeLines('refused.jsonl', [{ prompt: 'Hello' }])
  expect(await cli.run('submit', file, '-m', 'chat-only/any', '--name', 'refused')).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'batchwright: provider "chat-only" takes no batches (providers.chat-only.batch is false in batchwright.yaml): name another provider, or set it to true if the endpoint has /files and /batches\n',
  })
  const response = await fetch(`${api.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ provider: 'chat-only', model: 'any', items: [{ prompt: 'Hello' }] }),
  })
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({ code: 'provider_without_batches', provider: 'chat-only' })
  expect((await cli.run('list', '--name', 'refused')).stdout).toBe('')
})
