import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { batches, ledger, leases, submissions, tickets, workers } from '../db/schema.ts'
import { answerOf, createTestApi, type TestApi } from '../test/api.ts'
import { insertBatch, insertJob } from '../test/job-rows.ts'

/** Samples by `name{label="value",…}`, of a text that keeps to Prometheus' format: what does not is an error. */
function parseMetrics(text: string): Map<string, number> {
  expect(text.endsWith('\n')).toBe(true)
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  const help = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const described = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
    if (described !== null) {
      const [, what, name, words] = described as unknown as [string, string, string, string]
      // Once a name, or Prometheus refuses all of it.
      expect((what === 'HELP' ? help : types).has(name), line).toBe(false)
      if (what === 'HELP') help.add(name)
      else types.set(name, words)
      continue
    }
    const sample =
      /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (-?[\d.]+(?:e[+-]?\d+)?|NaN|Nan|[+-]Inf)$/.exec(
        line,
      )
    expect(sample, `is no sample: ${line}`).not.toBeNull()
    const [, name, labels = '', value] = sample as unknown as [string, string, string | undefined, string]
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    expect(types.has(family) && help.has(family), line).toBe(true)
    expect(samples.has(name + labels), `twice: ${line}`).toBe(false)
    samples.set(name + labels, Number(value))
  }
  return samples
}

async function scrape(api: TestApi, headers: Record<string, string> = {}): Promise<Map<string, number>> {
  const response = await api.request('/metrics', { headers })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parseMetrics(await response.text())
}

/** Those of our own with a value, as an object to compare with. */
function ours(samples: Map<string, number>): Record<string, number> {
  return Object.fromEntries(
    [...samples].filter(
      ([name, value]) => name.startsWith('batchwright_') && !name.startsWith('batchwright_http_') && value !== 0,
    ),
  )
}

describe('what the database tells', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await createTestApi()
  })
  afterAll(() => api.close())

  test('where only workers know the key, a provider whose worker is gone has a zero, and one with an open job as well', async () => {
    const keyless = await createTestApi({ environment: { OPENAI_API_KEY: '' } })
    try {
      const { sql } = keyless.test.database
      await sql`insert into workers (id, provider, simulated, seen_at) values ('w', 'anthropic', false, now() - interval '10 minutes')`
      await insertJob(keyless.test.database, 1, { status: 'queued', simulated: false })
      const samples = await scrape(keyless)
      for (const provider of ['anthropic', 'openai'])
        expect(samples.get(`batchwright_workers{provider="${provider}",simulated="false"}`), provider).toBe(0)
    } finally {
      await keyless.close()
    }
  })

  test('a draft is no upload under way, and its items are not waiting', async () => {
    const drafts = await createTestApi()
    try {
      const { id } = await answerOf(drafts.post('/v1/jobs', { model: 'gpt-5-mini', draft: true }))
      await drafts.post(`/v1/jobs/${id}/items?part=1`, { items: [{ prompt: 'one' }] })
      expect(ours(await scrape(drafts))).toMatchObject({ 'batchwright_jobs{status="draft"}': 1 })
      expect((await scrape(drafts)).get('batchwright_items{status="pending"}')).toBe(0)
      expect((await scrape(drafts)).get('batchwright_jobs{status="validating"}')).toBe(0)
    } finally {
      await drafts.close()
    }
  })

  test('before the first job there is a zero for every status and configured provider', async () => {
    const samples = await scrape(api)
    expect(ours(samples)).toEqual({ batchwright_database_up: 1 })
    for (const name of [
      'batchwright_jobs{status="in_progress"}',
      'batchwright_paused_jobs{reason="auth"}',
      'batchwright_items{status="succeeded"}',
      'batchwright_batches{provider="openai",simulated="false",status="planned"}',
      'batchwright_tickets{provider="openai",simulated="false"}',
      'batchwright_workers{provider="openai",simulated="false"}',
    ])
      expect(samples.get(name), name).toBe(0)
    expect([...samples.keys()].some((name) => name.includes('anthropic'))).toBe(false)
  })

  test('is the sum of the rows', async () => {
    const { database } = api.test
    // 100 items: 41 answered, 20 at the provider of which 5 are answered, the rest waits.
    const running = await insertJob(database, 0, {
      items: 100,
      succeeded: 40,
      failed: 1,
      simulated: false,
      costNanos: 1_500_000_000n,
    })
    await insertBatch(database, running, 20, { status: 'in_progress', simulated: false, answered: 5 })
    await insertBatch(database, running, 20, { batch: 2, shard: 2, simulated: false, model: 'gpt-5-mini' })
    await insertBatch(database, running, 20, { batch: 3, shard: 3, simulated: false, status: 'ended', result: 'completed' })
    const paused = await insertJob(database, 0, { status: 'paused', pauseReason: 'auth', items: 7, provider: 'anthropic' })
    await insertBatch(database, paused, 7, { provider: 'anthropic', status: 'submitting' })
    await insertJob(database, 0, { status: 'completed', items: 9, succeeded: 8, expired: 1, costNanos: 250_000_000n })
    await insertJob(database, 0, { status: 'failed', items: 1000 })
    await insertJob(database, 0, { status: 'completed', items: 9, succeeded: 9, deletedAt: new Date() })
    await database.drizzle.insert(tickets).values([
      {
        jobId: running,
        batch: 2,
        lane: 'openai',
        model: 'gpt-5-mini',
        priority: 10,
        tokens: 5,
        createdAt: new Date(Date.now() - 60_000),
      },
      { jobId: running, batch: 9, lane: 'openai', model: 'gpt-5-mini', priority: 10, tokens: 5 },
    ])
    await database.drizzle.insert(leases).values([
      { jobId: running, batch: 1, lane: 'openai', model: 'gpt-4o-mini', tokens: 200 },
      { jobId: running, batch: 7, lane: 'openai', model: 'gpt-4o-mini', tokens: 300 },
      { jobId: paused, batch: 1, lane: 'anthropic (simulated)', model: 'a"b\\c', tokens: 70 },
    ])
    const submission = { attempt: 1, token: 't', requestHash: 'h', keyFingerprint: 'f', sendDeadline: new Date() }
    await database.drizzle.insert(submissions).values([
      { ...submission, jobId: running, batch: 1, provider: 'openai', simulated: false, state: 'created' },
      { ...submission, jobId: running, batch: 2, provider: 'openai', simulated: false, state: 'sending' },
      { ...submission, jobId: paused, batch: 1, provider: 'anthropic', simulated: true, state: 'quarantined' },
    ])
    const entry = { batch: 1, attempt: 1, kind: 'actual', simulated: false } as const
    await database.drizzle.insert(ledger).values([
      { ...entry, jobId: running, amountNanos: 1_250_000_000n },
      { ...entry, jobId: 'deleted', amountNanos: 750_000_000n },
      { ...entry, jobId: running, kind: 'reservation', amountNanos: 9n },
      { ...entry, jobId: paused, amountNanos: 3_000_000n, simulated: true },
    ])
    await database.drizzle.insert(workers).values([
      { id: 'one', provider: 'openai', simulated: false },
      { id: 'two', provider: 'openai', simulated: false },
      { id: 'gone', provider: 'openai', simulated: false, seenAt: new Date(Date.now() - 600_000) },
    ])

    const { 'batchwright_oldest_ticket_age_seconds{provider="openai",simulated="false"}': age, ...others } = ours(
      await scrape(api),
    )
    expect(age).toBeGreaterThanOrEqual(60)
    expect(age).toBeLessThan(120)
    expect(others).toEqual({
      batchwright_database_up: 1,
      'batchwright_jobs{status="in_progress"}': 1,
      'batchwright_jobs{status="paused"}': 1,
      'batchwright_jobs{status="completed"}': 1,
      'batchwright_jobs{status="failed"}': 1,
      'batchwright_paused_jobs{reason="auth"}': 1,
      'batchwright_items{status="pending"}': 51,
      'batchwright_items{status="submitted"}': 15,
      'batchwright_items{status="succeeded"}': 48,
      'batchwright_items{status="failed"}': 1,
      'batchwright_items{status="expired"}': 1,
      'batchwright_batches{provider="openai",simulated="false",status="in_progress"}': 1,
      'batchwright_batches{provider="openai",simulated="false",status="planned"}': 1,
      'batchwright_batches{provider="anthropic",simulated="true",status="submitting"}': 1,
      'batchwright_tickets{provider="openai",simulated="false"}': 2,
      'batchwright_leases{provider="openai",simulated="false",model="gpt-4o-mini"}': 2,
      'batchwright_leased_tokens{provider="openai",simulated="false",model="gpt-4o-mini"}': 500,
      'batchwright_leases{provider="anthropic",simulated="true",model="a\\"b\\\\c"}': 1,
      'batchwright_leased_tokens{provider="anthropic",simulated="true",model="a\\"b\\\\c"}': 70,
      'batchwright_submissions{provider="openai",simulated="false",state="sending"}': 1,
      'batchwright_submissions{provider="anthropic",simulated="true",state="quarantined"}': 1,
      'batchwright_jobs_cost_dollars{provider="openai",simulated="false"}': 1.5,
      'batchwright_jobs_cost_dollars{provider="openai",simulated="true"}': 0.25,
      'batchwright_cost_dollars_total{simulated="false"}': 2,
      'batchwright_cost_dollars_total{simulated="true"}': 0.003,
      'batchwright_workers{provider="openai",simulated="false"}': 2,
    })

    // What is over is gone from the next scrape.
    await database.drizzle.delete(leases)
    await database.drizzle.delete(batches)
    const later = ours(await scrape(api))
    expect(Object.keys(later).filter((name) => /leases|leased|batches/.test(name))).toEqual([])
  })
})

describe('what the process tells', () => {
  test('requests are counted by the pattern of their route, never by their path', async () => {
    const api = await createTestApi()
    const id = await insertJob(api.test.database, 1)
    await api.request(`/v1/jobs/${id}`)
    await api.request(`/v1/jobs/${id}`)
    for (const path of ['/v1/jobs/nobody', '/v1/jobs/nothing', '/v1/nothing', '/wp-admin.php']) await api.request(path)
    await api.request(`/v1/jobs/${id}`, { method: 'BREW' })
    await api.request(`/v1/jobs/${id}`, { headers: { origin: 'https://evil.example' } })
    const samples = await scrape(api)
    await api.close()
    const counts = [...samples].flatMap(([name, count]) =>
      name.startsWith('batchwright_http_request_duration_seconds_count') ? [`${/\{(.*)\}/.exec(name)?.[1]} ${count}`] : [],
    )
    expect(counts.toSorted()).toEqual([
      'method="GET",route="/v1/jobs/{id}",status="200" 2',
      'method="GET",route="/v1/jobs/{id}",status="403" 1',
      'method="GET",route="/v1/jobs/{id}",status="404" 2',
      'method="GET",route="none",status="404" 2',
      'method="other",route="none",status="405" 1',
    ])
    expect([...samples.keys()].join()).not.toContain(id)
    expect(samples.get('batchwright_http_requests_in_progress{method="GET",route="/metrics"}')).toBe(1)
    expect(samples.get('batchwright_http_requests_in_progress{method="GET",route="/v1/jobs/{id}"}')).toBe(0)
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  })

  test('is told without Postgres as well, at once', async () => {
    const api = await createTestApi()
    await api.test.database.close()
    const startedAt = Date.now()
    const samples = await scrape(api)
    expect(Date.now() - startedAt).toBeLessThan(4000)
    expect(samples.get('batchwright_database_up')).toBe(0)
    expect([...samples.keys()].some((name) => name.startsWith('batchwright_jobs'))).toBe(false)
    expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0)
    await api.close()
  })

  test('needs the key where there is one', async () => {
    const api = await createTestApi({ environment: { BATCHWRIGHT_API_KEY: 'key' } })
    expect((await api.request('/metrics')).status).toBe(401)
    const samples = await scrape(api, { authorization: 'Bearer key' })
    expect(samples.get('batchwright_http_request_duration_seconds_count{method="GET",route="/metrics",status="401"}')).toBe(1)
    await api.close()
  })
})
