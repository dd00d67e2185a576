import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { answerOf, createTestApi, type TestApi } from '../test/api.ts'
import { insertJob, judged } from '../test/job-rows.ts'
import { loadBatch } from '../db/batches.ts'
import { mergeResults } from '../db/outcomes.ts'
import { batches, ledger, submissions } from '../db/schema.ts'
import { batchListSchema } from './contracts/batches.ts'
import { costsSchema } from './contracts/costs.ts'
import { itemDetailSchema, itemListSchema } from './contracts/items.ts'
import { jobListSchema, jobSchema } from './contracts/jobs.ts'
import { rawResultSchema, resultSchema } from './contracts/results.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

/** An answer that has exactly what its contract says, and nothing else. */
async function get<Schema extends z.ZodObject>(path: string, schema: Schema): Promise<z.output<Schema>> {
  const response = await api.request(path)
  expect(response.status, path).toBe(200)
  return schema.strict().parse(await response.json()) as z.output<Schema>
}

/** Follows the cursor to the end. */
async function getAll(path: string): Promise<Array<Record<string, unknown>>> {
  const rows: Array<Record<string, unknown>> = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { data: Array<Record<string, unknown>>; next_cursor: string | null } = await answerOf(
      api.request(`${path}${path.includes('?') ? '&' : '?'}${cursor === '' ? '' : `cursor=${cursor}`}`),
    )
    rows.push(...page.data)
    cursor = page.next_cursor
  }
  return rows
}

const error = (message: string) =>
  JSON.stringify({ class: 'refusal', code: 'refusal', message, httpStatus: 200, requestId: 'req_1', parameter: null })
const rateLimit = JSON.stringify({
  class: 'rate_limited',
  code: 'slow_down',
  message: 'later',
  httpStatus: 429,
  requestId: null,
  parameter: null,
})

/**
 * Ten items in two batches. The first is fetched: 1 and 2 succeeded, 3 was refused, 4 has an attempt that is to be sent again. The second,
 * with 5 to 8, is at the provider, which reports 3 of them. 9 and 10 wait.
 */
async function createRunningJob(): Promise<string> {
  const { database } = api.test
  const id = await insertJob(
    database,
    10,
    { name: 'running', queuedAt: new Date(), startedAt: new Date(), round: 1, tags: { team: 'a' } },
    (seq) => ({
      metadata: seq === 1 ? '{"row":1}' : null,
      warnings: seq === 1 ? '["top_p was dropped"]' : null,
    }),
  )
  const common = {
    jobId: id,
    round: 1,
    provider: 'openai',
    simulated: true,
    model: 'gpt-4o-mini',
    endpoint: '/v1/chat/completions',
    listed: false,
    bytes: 400,
    tokens: 40,
  }
  await database.drizzle.insert(batches).values([
    {
      ...common,
      batch: 1,
      shard: 0,
      status: 'ended',
      result: 'completed',
      providerBatchId: 'batch_one',
      seqFrom: 1,
      seqTo: 4,
      items: 4,
    },
    {
      ...common,
      batch: 2,
      shard: 1,
      status: 'in_progress',
      providerBatchId: 'batch_two',
      seqFrom: 5,
      seqTo: 8,
      items: 4,
      reportedDone: 3,
      reportedFailed: 1,
      nextPollAt: new Date('2030-01-01T00:00:00Z'),
    },
    { ...common, batch: 3, shard: 2, status: 'planned', seqFrom: 9, seqTo: 10, items: 2 },
  ])
  await database.drizzle.insert(submissions).values({
    jobId: id,
    batch: 1,
    attempt: 1,
    provider: 'openai',
    simulated: true,
    token: 't',
    requestHash: 'h',
    keyFingerprint: 'f',
    state: 'created',
    sendDeadline: new Date(),
    providerBatchId: `batch_${id}`,
  })
  await mergeResults(database, await loadBatch(database.drizzle, id, 1), [
    judged(1, {
      answer: JSON.stringify({ text: 'a "quoted", text\nin two lines', output: { label: 'x' }, toolCalls: [], embedding: null }),
      raw: '{"raw": 1.0, "raw":12345678901234567890}',
      cost: 1_500_000n,
    }),
    judged(2, {
      answer: JSON.stringify({
        text: 'two',
        output: null,
        toolCalls: [{ id: 'c', name: 'f', arguments: '{}' }],
        embedding: null,
      }),
      raw: '{"raw":2}',
    }),
    judged(3, { status: 'failed', errorClass: 'refusal', error: error('no'), answer: null, finishReason: 'refusal' }),
    judged(4, {
      becomes: 'attempt',
      status: 'failed',
      errorClass: 'rate_limited',
      error: rateLimit,
      answer: null,
      usage: { input: 0, output: 0, cached: 0, cacheWrite: 0, reasoning: 0 },
      cost: 0n,
    }),
  ])
  return id
}

describe('a job that runs', () => {
  let id = ''
  beforeAll(async () => {
    id = await createRunningJob()
  })

  test('shows its counts and the progress that the provider reports', async () => {
    expect(await get(`/v1/jobs/${id}`, jobSchema)).toMatchObject({
      counts: { total: 10, pending: 3, submitted: 4, succeeded: 2, failed: 1, expired: 0, cancelled: 0 },
      progress: { done: 6, failed: 2, total: 10 },
      batches: { total: 3, open: 2 },
      earlier_attempts: 1,
      cost_usd: '0.001500014',
      next_poll_at: '2030-01-01T00:00:00.000Z',
      simulated: true,
    })
  })

  test('lists its items with where each stands, by status, class and custom_id', async () => {
    const { data } = await get(`/v1/jobs/${id}/items`, itemListSchema)
    expect(data.map(({ status }) => status)).toEqual([
      ...Array<string>(2).fill('succeeded'),
      'failed',
      'pending',
      ...Array<string>(4).fill('submitted'),
      'pending',
      'pending',
    ])
    // How often each was sent: answered, answered, failed, failed and to be sent again, at the provider, never.
    expect(data.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    expect(data[3]).toMatchObject({ seq: 4, error_class: 'rate_limited', attempts: 1, batch: null })
    const seqs = async (query: string) => (await getAll(`/v1/jobs/${id}/items?${query}`)).map(({ seq }) => seq)
    expect(await seqs('status=pending,failed')).toEqual([3, 4, 9, 10])
    expect(await seqs('status=submitted&limit=3')).toEqual([5, 6, 7, 8])
    expect(await seqs('error_class=refusal')).toEqual([3])
    expect(await seqs('custom_id=item-7')).toEqual([7])
    expect(await seqs('limit=1')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('tells the whole story of one item', async () => {
    expect(await get(`/v1/jobs/${id}/items/4`, itemDetailSchema)).toMatchObject({
      custom_id: 'item-4',
      line: { prompt: '4' },
      result: null,
      attempts: 1,
      earlier_attempts: [
        { batch: 1, batch_id: 'batch_one', round: 1, error: { class: 'rate_limited', code: 'slow_down', http_status: 429 } },
      ],
    })
    expect((await get(`/v1/jobs/${id}/items/1`, itemDetailSchema)).result).toMatchObject({
      output: { label: 'x' },
      metadata: { row: 1 },
    })
    expect((await api.request(`/v1/jobs/${id}/items/11`)).status).toBe(404)
  })

  test('gives the results that there are, in order, and says that there are more to come', async () => {
    const response = await api.request(`/v1/jobs/${id}/results`)
    expect(response.headers.get('batchwright-complete')).toBe('false')
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => resultSchema.strict().parse(JSON.parse(line)))
    expect(lines).toMatchObject([
      {
        custom_id: 'item-1',
        seq: 1,
        status: 'succeeded',
        finish_reason: 'stop',
        text: 'a "quoted", text\nin two lines',
        output: { label: 'x' },
        error: null,
        cost_usd: '0.0015',
        provider: 'openai',
        model: 'gpt-4o-mini',
        batch_id: 'batch_one',
        attempts: 1,
        metadata: { row: 1 },
        warnings: ['top_p was dropped'],
        simulated: true,
        usage: { input_tokens: 10, output_tokens: 5, cached_tokens: 0, cache_write_tokens: 0, reasoning_tokens: 0 },
      },
      { seq: 2, tool_calls: [{ id: 'c', name: 'f', arguments: '{}' }] },
      {
        seq: 3,
        status: 'failed',
        text: null,
        error: { class: 'refusal', code: 'refusal', message: 'no', http_status: 200, request_id: 'req_1' },
      },
    ])
  })

  test('gives results after a seq, up to a limit, by status, and as the provider wrote them', async () => {
    const lines = async (query: string) =>
      (await (await api.request(`/v1/jobs/${id}/results?${query}`)).text()).trimEnd().split('\n')
    const seqs = async (query: string) => (await lines(query)).map((line) => (JSON.parse(line) as { seq: number }).seq)
    expect(await seqs('after_seq=1')).toEqual([2, 3])
    expect(await seqs('limit=1')).toEqual([1])
    expect(await seqs('status=failed')).toEqual([3])
  })

  test("gives the provider's own lines beside the user's id, unchanged, and null where there is none", async () => {
    const text = await (await api.request(`/v1/jobs/${id}/results?raw=true`)).text()
    const lines = text.trimEnd().split('\n')
    expect(lines.map((line) => rawResultSchema.strict().parse(JSON.parse(line)))).toEqual([
      { custom_id: 'item-1', seq: 1, status: 'succeeded', raw: '{"raw": 1.0, "raw":12345678901234567890}' },
      { custom_id: 'item-2', seq: 2, status: 'succeeded', raw: '{"raw":2}' },
      { custom_id: 'item-3', seq: 3, status: 'failed', raw: null },
    ])
    expect(await answerOf(api.request(`/v1/jobs/${id}/results?raw=true&format=json&status=failed`))).toEqual([
      { custom_id: 'item-3', seq: 3, status: 'failed', raw: null },
    ])
  })

  test('gives results as one JSON array, also when there are none', async () => {
    expect(await answerOf(api.request(`/v1/jobs/${id}/results?format=json`))).toHaveLength(3)
    expect(await answerOf(api.request(`/v1/jobs/${id}/results?format=json&after_seq=3`))).toEqual([])
    expect(await (await api.request(`/v1/jobs/${id}/results?after_seq=3`)).text()).toBe('')
  })

  test('gives results as CSV, quoted where a field needs it', async () => {
    const text = await (await api.request(`/v1/jobs/${id}/results?format=csv&limit=1`)).text()
    expect(text).toMatch(/^custom_id,seq,status,/)
    expect(text).toContain('item-1,1,succeeded,stop,"a ""quoted"", text\nin two lines","{""label"":""x""}",')
    expect(text.endsWith('\r\n')).toBe(true)
    expect((await api.request(`/v1/jobs/${id}/results?format=csv&raw=true`)).status).toBe(400)
  })

  test('lists its batches with their submissions', async () => {
    const { data } = await get(`/v1/jobs/${id}/batches`, batchListSchema)
    expect(data).toMatchObject([
      { batch: 1, status: 'ended', result: 'completed', answered: 4, submissions: [{ attempt: 1, state: 'created' }] },
      { batch: 2, status: 'in_progress', reported: { done: 3, failed: 1 }, submissions: [] },
      { batch: 3, status: 'planned', provider_batch_id: null },
    ])
    expect((await getAll(`/v1/jobs/${id}/batches?limit=1`)).map(({ batch }) => batch)).toEqual([1, 2, 3])
  })

  test('says what it costs, by model and batch, and that nothing is spent', async () => {
    expect(await get(`/v1/jobs/${id}/costs`, costsSchema)).toMatchObject({
      simulated: true,
      spent: false,
      answers: 3,
      input_tokens: 30,
      output_tokens: 15,
      cost_usd: '0.001500014',
      unpriced: 0,
      by_model: [{ model: 'gpt-4o-mini', answers: 3 }],
      by_batch: [{ batch: 1, provider_batch_id: 'batch_one', round: 1, cost_usd: '0.001500014' }],
      twins: { batches: 0, cost_usd: '0' },
    })
  })
})

test('what twins cost is told beside what the answers cost', async () => {
  const { drizzle } = api.test.database
  const [jobId, otherId] = [await insertJob(api.test.database, 1), await insertJob(api.test.database, 1)]
  const submission = {
    batch: 1,
    attempt: 1,
    provider: 'openai',
    simulated: true,
    token: 'aaaaaaaaaaaaaaaa',
    requestHash: 'hash',
    keyFingerprint: 'fingerprint',
    sendDeadline: new Date(),
  }
  await drizzle.insert(submissions).values([
    { ...submission, jobId, state: 'created', providerBatchId: 'batch_that_counts' },
    { ...submission, jobId, state: 'absent', providerBatchId: 'batch_twin' },
    { ...submission, jobId, state: 'absent', providerBatchId: 'batch_second_twin' },
    { ...submission, jobId, state: 'absent', providerBatchId: 'batch_running_twin' },
    { ...submission, jobId, state: 'absent' },
    { ...submission, jobId: otherId, state: 'absent', providerBatchId: 'batch_twin_of_another' },
  ])
  const booked = { batch: 1, attempt: 1, kind: 'actual', simulated: true } as const
  await drizzle.insert(ledger).values([
    { ...booked, jobId, kind: 'reservation', amountNanos: 1n },
    { ...booked, jobId, providerBatchId: 'batch_that_counts', amountNanos: 10n },
    { ...booked, jobId, providerBatchId: 'batch_twin', amountNanos: 2_500_000n },
    { ...booked, jobId, providerBatchId: 'batch_second_twin', amountNanos: 7n },
    { ...booked, jobId: otherId, providerBatchId: 'batch_twin_of_another', amountNanos: 1000n },
  ])
  expect(await get(`/v1/jobs/${jobId}/costs`, costsSchema)).toMatchObject({
    cost_usd: '0',
    twins: { batches: 2, cost_usd: '0.002500007' },
  })
})

describe('lists of jobs', () => {
  test('are read page by page, newest first, without gaps or repeats while jobs come', async () => {
    const { database } = api.test
    const at = new Date('2025-01-01T00:00:00Z')
    // Some share a moment, so that the id decides.
    for (let index = 0; index < 7; index++)
      await insertJob(database, 1, { name: 'paged', createdAt: new Date(at.getTime() + Math.floor(index / 3)) })
    const first = await get('/v1/jobs?name=paged&limit=3', jobListSchema)
    await insertJob(database, 1, { name: 'paged' })
    const second = await get(`/v1/jobs?name=paged&limit=3&cursor=${first.next_cursor}`, jobListSchema)
    const third = await get(`/v1/jobs?name=paged&limit=3&cursor=${second.next_cursor}`, jobListSchema)
    expect(third.next_cursor).toBeNull()
    const listed = [...first.data, ...second.data, ...third.data]
    expect(new Set(listed.map(({ id }) => id)).size).toBe(7)
    const keys = listed.map(({ created_at, id }) => `${created_at} ${id}`)
    expect(keys).toEqual([...keys].sort().reverse())
  })

  test('are filtered by everything that a list can be filtered by', async () => {
    const { database } = api.test
    const id = await insertJob(database, 1, {
      name: 'found',
      status: 'completed',
      model: 'special',
      provider: 'lab',
      tags: { a: '1', b: 'x=y' },
      createdAt: new Date('2024-06-01T00:00:00Z'),
    })
    const found = async (query: string) => (await getAll(`/v1/jobs?${query}`)).some((job) => job['id'] === id)
    for (const query of [
      'name=found',
      `id_prefix=${id.slice(0, 5)}`,
      'tag=a=1',
      'tag=b=x%3Dy&tag=a',
      'provider=lab',
      'model=special',
      'status=completed,failed',
      'created_after=2024-05-31T22:00:00-02:00',
    ]) {
      expect(await found(query), query).toBe(true)
    }
    for (const query of [
      'name=foun',
      'tag=a=2',
      'tag=c',
      'tag=a&tag=c',
      'provider=openai',
      'model=gpt-4o-mini',
      'status=failed',
      'created_after=2024-06-02T00:00:00Z',
    ]) {
      expect(await found(query), query).toBe(false)
    }
  })
})

describe('delete', () => {
  test('refuses a job that runs', async () => {
    const id = await insertJob(api.test.database, 1)
    const response = await api.request(`/v1/jobs/${id}`, { method: 'DELETE' })
    expect(await answerOf(response)).toMatchObject({ status: 409, code: 'job_not_finished' })
  })

  test('removes a job that is over with all its rows, and no other', async () => {
    const { database } = api.test
    const id = await createRunningJob()
    const other = await createRunningJob()
    await database.sql`update batches set status = 'ended' where job_id = ${id}`
    await database.sql`update jobs set status = 'cancelled' where id = ${id}`
    expect((await api.request(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await api.request(`/v1/jobs/${id}`)).status).toBe(404)
    for (const table of ['items', 'outcomes', 'attempts', 'batches', 'submissions', 'events']) {
      const [row] = await database.sql`select count(*) filter (where job_id = ${id})::int as gone from ${database.sql(table)}`
      expect(row, table).toEqual({ gone: 0 })
    }
    expect((await answerOf(api.request(`/v1/jobs/${other}/items`))).data).toHaveLength(10)
  })
})
