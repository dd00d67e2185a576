import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { formatKey, listConfigKeys } from '../config/config-keys.ts'
import { createLogger } from '../config/logger.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { batches, jobs } from '../db/schema.ts'
import { simulatorControl, startSimulator, type Simulator } from '../simulator/simulator.ts'
import { startBatchActivities } from './batch-activities.ts'
import { attemptsOf, batchesOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { afterwards } from './services.ts'

/** Where it is shown that a key does what it says, and not only that it is read: the test, by its title. */
const compatible = {
  file: 'test/compatible-provider.slow.test.ts',
  title:
    'a job of its own key and address, beside one of OpenAI: each has its answers and batches, and neither reaches the other',
}
const webhook = {
  file: 'test/webhook.slow.test.ts',
  title: 'the end of a job is told once it can be, signed, under one id however often it is tried',
}
const shownIn: Record<string, { file: string; title: string }> = {
  'providers.<name>.kind': compatible,
  'providers.<name>.api_key': compatible,
  'providers.<name>.base_url': compatible,
  'providers.<name>.batch': {
    file: compatible.file,
    title: 'a provider without batches refuses a job before anything of it is stored, and names the setting',
  },
  'webhooks.url': webhook,
  'webhooks.secret': webhook,
  'redaction.patterns': {
    file: 'test/redaction.test.ts',
    title:
      'what a provider quotes of a prompt in an error is redacted in results, rows, events and logs; prompts and answers stay',
  },
  'retention.jobs': {
    file: 'test/retention.slow.test.ts',
    title: 'with `retention` the janitor deletes a job when its time is over, and what it cost stays in the ledger',
  },
  'retention.drafts': {
    file: 'test/retention.slow.test.ts',
    title: 'a draft to which nobody adds anything is removed when its time is over',
  },
}
/** Below: the tests whose titles begin with them. */
const shownHere = [
  'providers.<name>.enabled',
  'providers.<name>.max_in_flight_batches',
  'providers.<name>.enqueued_tokens',
  'providers.<name>.max_batch_requests',
  'providers.<name>.max_batch_bytes',
  ...['polling.initial', 'polling.max', 'polling.growth', 'retry.max_rounds', 'retry.backoff'].flatMap((key) => [
    key,
    `providers.<name>.${key}`,
  ]),
  'submission.settle_after',
  'submission.send_window',
  'defaults.provider',
  'defaults.model',
  'defaults.max_tokens',
  'defaults.temperature',
  'max_input_bytes',
  'log.level',
]

test('every key has a test that shows its effect', () => {
  const keys = listConfigKeys().map(({ path }) => formatKey(path))
  // Those of a model are lines of the catalogue, whose effects `models/` and `formats/` test; here, that a line of the file is one.
  const own = keys.filter((key) => !key.startsWith('models.'))
  expect([...Object.keys(shownIn), ...shownHere].toSorted()).toEqual(own.toSorted())
  for (const [key, { file, title }] of Object.entries(shownIn)) expect(readFileSync(file, 'utf8'), key).toContain(title)
})

describe('jobs, by the configuration alone', () => {
  /** Estimated tokens of one line of `prompts`; the limit has room for one batch of one line, and not for two. */
  const enqueuedTokens = 50
  let lab: Simulator
  let stack: JobStack
  beforeAll(async () => {
    lab = await startSimulator({ duration_ms: 200 })
    stack = await startJobStack({
      simulator: { duration_ms: 200 },
      asConfigured: true,
      yaml: `
providers:
  openai: { max_batch_requests: 4, max_in_flight_batches: 2, polling: { initial: 20ms, max: 100ms }, retry: { max_rounds: 3, backoff: 20ms } }
  lab: { kind: openai, base_url: "${lab.url}/openai/v1", api_key: key-of-lab, max_batch_bytes: 900, enqueued_tokens: { gpt-4o: ${enqueuedTokens} } }
  off: { kind: openai, base_url: "${lab.url}/openai/v1", api_key: key-of-off, enabled: false }
polling: { initial: 30ms, max: 100ms }
retry: { max_rounds: 2, backoff: 3s }
defaults: { provider: lab, model: my-own-model, max_tokens: 77, temperature: 0.3 }
models:
  openai:
    my-own-model: { type: chat, prices: [{ from: 2020-01-01, realtime: { input: '2', output: '2' }, batch: { input: '1000', output: '1000' } }] }
max_input_bytes: 5000`,
    })
  })
  afterAll(async () => {
    await stack.stop()
    await lab.close()
  })

  const prompts = (count: number, text = 'How much is it') =>
    Array.from({ length: count }, (_, index) => ({ prompt: `${text}: ${index} and 1?` }))

  async function finished(lines: ReturnType<typeof prompts>, spec: JobSpec = {}) {
    const id = await createJob(stack, lines, spec)
    return { id, job: await jobAt(stack, id), batches: await batchesOf(stack, id) }
  }

  async function post(body: unknown, query = ''): Promise<Response> {
    return await stack.app.router.request(`http://127.0.0.1/v1/jobs${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  test('max_batch_requests and max_in_flight_batches: no batch is larger, and no more are at the provider at once', async () => {
    const { job, batches } = await finished(prompts(20))
    expect(job.succeeded).toBe(20)
    expect(batches.map(({ items }) => items)).toEqual([4, 4, 4, 4, 4])
    const { load } = await simulatorControl(stack.simulator.url).books()
    expect(load['openai']?.in_flight_batches.peak).toBe(2)
  })

  test('max_batch_bytes: no batch is larger', async () => {
    const { job, batches } = await finished(prompts(12), { provider: 'lab' })
    expect(job.succeeded).toBe(12)
    expect(batches.length).toBeGreaterThan(1)
    for (const { bytes, items } of batches) {
      expect(bytes).toBeLessThanOrEqual(900)
      expect(items).toBeLessThan(12)
    }
  })

  test('enqueued_tokens: what would be too much at once waits', async () => {
    const { job, batches } = await finished(prompts(4), { provider: 'lab', model: 'gpt-4o', limits: { max_batch_requests: 1 } })
    expect(job.succeeded).toBe(4)
    expect(batches).toHaveLength(4)
    for (const { tokens } of batches) {
      expect(tokens).toBeLessThanOrEqual(enqueuedTokens)
      expect(2 * tokens).toBeGreaterThan(enqueuedTokens)
    }
    // Each was created after the one before it had ended at the provider.
    const events = await stack.db.database.sql<Array<{ type: string }>>`
      select type from events where job_id = ${job.id} and type in ('batch_submitted', 'batch_ended_at_provider') order by n`
    expect(events.map(({ type }) => type)).toEqual(
      Array.from({ length: 4 }, () => ['batch_submitted', 'batch_ended_at_provider']).flat(),
    )
  })

  test('enabled: a provider that is not takes no jobs, and no worker has it', async () => {
    const response = await post({ provider: 'off', model: 'gpt-4o', items: prompts(1) })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ code: 'provider_unconfigured', detail: expect.stringContaining('enabled') })
    const served = await stack.db.database.sql<
      Array<{ provider: string }>
    >`select distinct provider from workers order by provider`
    expect(served.map(({ provider }) => provider)).toEqual(['lab', 'openai'])
  })

  test('defaults: what a job does not say, and what it says wins', async () => {
    const planned = async (spec: object) => (await post({ items: prompts(1), ...spec }, '?dry_run=true')).json()
    expect(await planned({})).toMatchObject({
      provider: 'lab',
      model: 'my-own-model',
      first_request: { body: { model: 'my-own-model', temperature: 0.3, max_tokens: 77 } },
    })
    expect(await planned({ provider: 'openai', model: 'gpt-4o', max_tokens: 5, temperature: 1 })).toMatchObject({
      provider: 'openai',
      first_request: { body: { model: 'gpt-4o', temperature: 1, max_tokens: 5 } },
    })
  })

  test('models: a model of one’s own is known, and its jobs cost what its entry says', async () => {
    const { id, job } = await finished(prompts(2), { provider: 'lab', model: 'my-own-model' })
    const [row] = await stack.db.database.sql<Array<{ input: number; output: number }>>`
      select sum(input_tokens)::int as input, sum(output_tokens)::int as output from outcomes where job_id = ${id}`
    expect(row?.output).toBeGreaterThan(0)
    // A thousand dollars a million tokens.
    expect(job.costNanos).toBe(BigInt((row?.input ?? 0) + (row?.output ?? 0)) * 1_000_000n)
    expect(job.unpriced).toBe(0)
  })

  test('retry.max_rounds: a provider’s own wins over that of all, and a job’s over both', async () => {
    const sendings = async (spec: JobSpec) => {
      const { id, job } = await finished(prompts(1, '[[simulate:transient]] Never'), spec)
      expect(job.failed).toBe(1)
      return (await attemptsOf(stack, id)).length + 1
    }
    expect(await sendings({ provider: 'openai' })).toBe(3)
    expect(await sendings({ provider: 'lab', retry: { backoff: '10ms' } })).toBe(2)
    expect(await sendings({ provider: 'openai', retry: { max_rounds: 1 } })).toBe(1)
  })

  test('retry.backoff: a provider’s own wins over that of all', async () => {
    const waited = async (provider: string) => {
      const { batches } = await finished(prompts(1, `[[simulate:transient times=1]] Once at ${provider}`), { provider })
      expect(batches).toHaveLength(2)
      return Number(batches[1]?.submittedAt) - Number(batches[0]?.endedAt)
    }
    // The simulator stamps in whole seconds.
    expect(await waited('lab')).toBeGreaterThanOrEqual(2000)
    expect(await waited('openai')).toBeLessThan(2000)
  })

  test('max_input_bytes: a larger upload is refused', async () => {
    expect((await post({ items: prompts(2) }, '?dry_run=true')).status).toBe(200)
    const response = await stack.app.router.request('http://127.0.0.1/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: prompts(300)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'input_too_large', detail: expect.stringContaining('5000 bytes') })
  })
})

describe('single steps, by the configuration alone', () => {
  async function steps(yaml: string) {
    const activities = await startBatchActivities({ yaml })
    afterwards(() => activities.close())
    await activities.control.setOptions({ duration_ms: 86_400_000 })
    const { drizzle } = activities.db.database
    return {
      activities,
      /** How long a poll of a batch of this age waits for the next one. */
      wait: async (ageSeconds: number, spec: JobSpec = {}): Promise<number | null> => {
        const key = await activities.uploadedBatch()
        await activities.run('submit', key)
        const submittedAt = new Date(Date.now() - ageSeconds * 1000)
        await drizzle.update(batches).set({ submittedAt, expiresAt: null }).where(eq(batches.jobId, key.jobId))
        await drizzle
          .update(jobs)
          .set({ spec: JSON.stringify(spec) })
          .where(eq(jobs.id, key.jobId))
        return (await activities.run('poll', key)).waitMs
      },
    }
  }

  test('polling: the first wait, the share of its age, and the longest one', async () => {
    const { wait } = await steps('polling: { initial: 7s, max: 40m, growth: 1.5 }')
    expect(await wait(0)).toBe(7000)
    expect(Math.round(Number(await wait(1000)) / 10_000)).toBe(50)
    expect(await wait(20_000)).toBe(40 * 60_000)
    expect(await wait(0, { polling: { initial: '9s' } })).toBe(9000)
  })

  test('polling: a provider’s own wins over that of all, key by key', async () => {
    const { wait } = await steps(
      'polling: { initial: 7s, max: 40m, growth: 1.5 }\nproviders: { openai: { polling: { initial: 3s, growth: 1.1 } } }',
    )
    expect(await wait(0)).toBe(3000)
    expect(Math.round(Number(await wait(1000)) / 10_000)).toBe(10)
    expect(await wait(40_000)).toBe(40 * 60_000)
    const { wait: waitBelow } = await steps('polling: { max: 40m }\nproviders: { openai: { polling: { max: 5m } } }')
    expect(await waitBelow(80_000)).toBe(5 * 60_000)
  })

  test('submission: a create has its window, and is looked for after that and the time to settle', async () => {
    const { activities } = await steps('submission: { send_window: 90s, settle_after: 5m }')
    const key = await activities.uploadedBatch()
    await activities.control.addFault('batches.create:accept_then_drop')
    const { phase, waitMs } = await activities.run('submit', key)
    const { intendedAt, sendDeadline } = await activities.submissionOf(key)
    expect(sendDeadline.getTime() - intendedAt.getTime()).toBe(90_000)
    expect(phase).toBe('settle')
    expect(Math.round(Number(waitMs) / 10_000)).toBe(39)
    await activities.passDeadline(key)
    expect(Math.round(Number((await activities.run('settle', key)).waitMs) / 10_000)).toBe(30)
  })
})

test('log.level: what is below it is not logged, and LOG_LEVEL wins over it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-log-'))
  afterwards(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'batchwright.yaml'), 'log: { level: warn }')
  const logged = (environment: Record<string, string>) => {
    const lines: string[] = []
    const logger = createLogger(loadConfig({ directory, environment }), 'worker', { write: (line) => lines.push(line) })
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, level)
    return lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  }
  expect(logged({})).toEqual(['warn', 'error'])
  expect(logged({ LOG_LEVEL: 'debug' })).toEqual(['debug', 'info', 'warn', 'error'])
})
