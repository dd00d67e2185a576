import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../api/main.ts'
import { Batchwright } from '../client/batchwright.ts'
import type { JsonObject } from '../core/json.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { startJobStack, type JobStack } from '../test/job-stack.ts'
import { until } from '../test/services.ts'
import { checkDemo, type DemoJob } from './demo-check.ts'

const models: Readonly<Record<ProviderKind, string>> = {
  openai: 'gpt-5-mini',
  anthropic: 'claude-haiku-5-5',
  gemini: 'gemini-3.5-flash',
}
const providers = Object.keys(models) as ProviderKind[]
const example = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const schema = JSON.parse(readFileSync(example('./support-tickets.schema.json'), 'utf8')) as JsonObject

let stack: JobStack
let api: RunningApi
let client: Batchwright
let tickets: JsonObject[]
let jobs: readonly DemoJob[]

beforeAll(async () => {
  tickets = await firstTickets(15)
  stack = await startJobStack({ simulator: { duration_ms: 50 }, environment: { BATCHWRIGHT_SIMULATE: providers.join(',') } })
  api = await startApi(
    { ...stack.config, api: { host: '127.0.0.1', port: 0, key: null } },
    { debug() {}, info() {}, warn() {}, error: console.error },
  )
  client = new Batchwright({ url: api.url })
})

afterAll(async () => {
  await api?.stop()
  await stack?.stop()
})

beforeEach(async () => {
  jobs = await Promise.all(providers.map((provider, index) => runJob(provider, tickets.slice(index * 5, (index + 1) * 5))))
})

async function firstTickets(count: number): Promise<JsonObject[]> {
  const found: JsonObject[] = []
  for await (const line of createInterface(createReadStream(example('./support-tickets.jsonl')))) {
    if (found.push(JSON.parse(line) as JsonObject) === count) break
  }
  return found
}

async function runJob(provider: ProviderKind, items: readonly JsonObject[]): Promise<DemoJob> {
  const model = models[provider]
  const created = await client.jobs.create({ provider, model, schema, items, keep_provider_files: true })
  return { provider, model, items, job: await client.jobs.wait(created.id, { timeoutMs: 15_000 }) }
}

const jobOf = (provider: ProviderKind): DemoJob => jobs.find((job) => job.provider === provider) as DemoJob
const firstTicketOf = (provider: ProviderKind): number => providers.indexOf(provider) * 5 + 1
const ticket = (number: number): string => `ticket-${String(number).padStart(4, '0')}`

async function findings(changes: { jobs?: readonly DemoJob[]; workersKilled?: number } = {}) {
  return await checkDemo({ client, jobs, schema, simulatorUrl: stack.simulator.url, workersKilled: 1, ...changes })
}
const problems = async (changes: Parameters<typeof findings>[0] = {}) => (await findings(changes)).problems
const replaced = (provider: ProviderKind, change: Partial<DemoJob>): DemoJob[] =>
  jobs.map((job) => (job.provider === provider ? { ...job, ...change } : job))

test('jobs whose answers are all right have no problems, and the summary says so', async () => {
  const { examples, ...rest } = await findings()
  expect(rest).toEqual({ problems: [], summary: '15 items, 15 answers, 0 twice, 1 worker killed' })
  expect(examples.map(({ provider }) => provider)).toEqual(providers)
})

test('a job of somebody else with the same prompts is not counted', async () => {
  await runJob('anthropic', jobOf('anthropic').items)
  expect(await problems()).toEqual([])
})

test('no worker that was killed', async () => {
  expect(await problems({ workersKilled: 0 })).toEqual(['0 workers were killed instead of 1'])
})

describe.for(providers)('at %s', (provider) => {
  test('an answer that belongs to another prompt', async () => {
    const { id } = jobOf(provider).job
    await stack.db.database.sql`
      update outcomes set answer = (select answer from outcomes where job_id = ${id} and seq = 2)
      where job_id = ${id} and seq = 4`
    expect(await problems()).toEqual([
      `${provider}: ${ticket(firstTicketOf(provider) + 3)} has the answer of another prompt`,
      `${provider}: 4 of 5 items have a right answer`,
    ])
  })

  test('an item without an answer', async () => {
    await stack.db.database.sql`delete from outcomes where job_id = ${jobOf(provider).job.id} and seq = 5`
    expect(await problems()).toContain(`${provider}: 4 of 5 items have a right answer`)
  })

  test('an item that failed', async () => {
    const { id } = jobOf(provider).job
    await stack.db.database.sql`update outcomes set status = 'failed', answer = null where job_id = ${id} and seq = 3`
    const failed = `${provider}: ${ticket(firstTicketOf(provider) + 2)} failed`
    expect(await problems()).toContainEqual(expect.stringMatching(`^${failed}`))
  })

  test('answers that were billed twice', async () => {
    const before = await batchCount()
    await sendAgain[provider](jobOf(provider))
    await until('the second batch', async () => (await batchCount('completed')) > before)
    const { problems: found, summary } = await findings()
    expect(found).toEqual([`${provider}: 5 items were paid for twice`])
    expect(summary).toBe('15 items, 15 answers, 5 twice, 1 worker killed')
  })

  test('a prompt that the provider never saw', async () => {
    const items = [...jobOf(provider).items, { custom_id: 'never-sent', prompt: `Nobody asked ${provider} this` }]
    expect(await problems({ jobs: replaced(provider, { items }) })).toEqual([
      `${provider}: 5 of 6 items have a right answer`,
      `${provider}: the books of the simulator have no answer to 1 of the prompts`,
    ])
  })

  test('a job that did not complete', async () => {
    const job = { ...jobOf(provider).job, status: 'paused' as const }
    expect(await problems({ jobs: replaced(provider, { job }) })).toEqual([`${provider}: the job is paused`])
  })
})

const ended = ['completed', 'ended', 'BATCH_STATE_SUCCEEDED']

async function batchCount(which: 'all' | 'completed' = 'all'): Promise<number> {
  const { batches } = await simulatorControl(stack.simulator.url).books()
  return batches.filter(({ status }) => which === 'all' || ended.includes(status)).length
}

/** What a naive retry does: the same requests in a second batch, of which Batchwright knows nothing. */
const sendAgain: Readonly<Record<ProviderKind, (job: DemoJob) => Promise<void>>> = {
  async openai({ job }) {
    const openai = new OpenAI({ apiKey: 'simulated', baseURL: stack.simulator.baseUrls.openai, maxRetries: 0 })
    const first = (await openai.batches.list()).data.find(({ metadata }) =>
      metadata?.['batchwright']?.startsWith(`job-${job.id}-`),
    )
    await openai.batches.create({
      input_file_id: first?.input_file_id ?? '',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
  },
  async anthropic({ items, model }) {
    const anthropic = new Anthropic({ apiKey: 'simulated', baseURL: stack.simulator.baseUrls.anthropic, maxRetries: 0 })
    await anthropic.messages.batches.create({
      requests: items.map((item, index) => ({
        custom_id: `again-${index}`,
        params: {
          model,
          max_tokens: 1500,
          system: item['system'] as string,
          messages: [{ role: 'user', content: item['prompt'] as string }],
        },
      })),
    })
  },
  async gemini({ items, model }) {
    const gemini = new GoogleGenAI({ apiKey: 'simulated', httpOptions: { baseUrl: stack.simulator.baseUrls.gemini } })
    await gemini.batches.create({
      model,
      src: items.map((item) => ({
        contents: [{ role: 'user', parts: [{ text: item['prompt'] as string }] }],
        config: { systemInstruction: { parts: [{ text: item['system'] as string }] } },
      })),
    })
  },
}
