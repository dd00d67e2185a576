import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createToken, formatItemId } from '../core/item-id.ts'
import { attempts, outcomes } from '../db/schema.ts'
import { parseInputLine } from '../formats/input-line.ts'
import { isTerminalAtProvider, ProviderError, resultsLagMs, type Provider, type ProviderBatch } from '../providers/provider.ts'
import { startSimulator, type Simulator } from '../simulator/simulator.ts'
import { activityDependencies } from '../test/activity-dependencies.ts'
import { insertBatch, insertJob, type JobValues } from '../test/job-rows.ts'
import { createTestDatabase, until, type TestDatabase } from '../test/services.ts'
import { jobDefaults, parseSpec } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { createFetchActivities } from './fetch.ts'
import { loadJob, requestCancel } from '../db/job-state.ts'

let db: TestDatabase
let simulator: Simulator
let directory: string
let dependencies: ActivityDependencies
beforeAll(async () => {
  ;[db, simulator, directory] = await Promise.all([
    createTestDatabase(),
    startSimulator({ duration_ms: 20 }),
    mkdtemp(join(tmpdir(), 'batchwright-test-fetch-')),
  ])
  const environment = { BATCHWRIGHT_SIMULATE: 'openai', BATCHWRIGHT_SIMULATOR_URL: simulator.url }
  dependencies = activityDependencies(db.database, environment, directory)
})
afterAll(async () => {
  await simulator.close()
  await db.drop()
  await rm(directory, { recursive: true, force: true })
})

const never = new AbortController().signal

/** Runs lines as one batch at the provider, as their job was stored. Returns the job's id. */
async function endedBatchOf(lines: readonly object[], job: JobValues): Promise<string> {
  const provider = dependencies.providers.find('openai') as Provider
  const jobId = await insertJob(db.database, lines.length, job, (seq) => ({ line: JSON.stringify(lines[seq - 1]) }))
  const stored = await loadJob(db.database.drizzle, jobId)
  // The provider is not told the schemas: what it makes of them is not what is looked at here.
  const defaults = { ...jobDefaults(stored, parseSpec(stored)), schema: null }
  const token = createToken(randomBytes(32))
  const path = join(directory, token)
  const sent = lines.map((line, index) => {
    const { request } = parseInputLine(JSON.stringify({ ...line, schema: undefined }), index + 1)
    return provider.line(formatItemId(token, index + 1), provider.render(request, defaults))
  })
  await writeFile(path, sent.map((line) => `${line}\n`).join(''))
  const endpoint = '/v1/chat/completions'
  const { inputFileId } = await provider.upload({ fileName: 'fetch.jsonl', path, endpoint, signal: never })
  const created = await provider.create({
    inputFileId,
    endpoint,
    model: 'gpt-4o-mini',
    displayName: 'fetch',
    signal: never,
    beforeSend() {},
  })
  await until('the batch to end', async () => isTerminalAtProvider((await provider.retrieve(created.id, never)).status))
  await insertBatch(db.database, jobId, lines.length, { status: 'fetching', token, inputFileId, providerBatchId: created.id })
  return jobId
}

/** Reads its results, from a provider that differs in this. */
async function fetchResults(jobId: string, provider: Partial<Provider> = {}) {
  const found = { ...(dependencies.providers.find('openai') as Provider), ...provider }
  const activities = createFetchActivities({ ...dependencies, providers: { ...dependencies.providers, find: () => found } })
  return await new MockActivityEnvironment().run(() => activities.fetchResults({ jobId, batch: 1 }))
}

async function fetchBatchOf(lines: readonly object[], job: JobValues) {
  const jobId = await endedBatchOf(lines, job)
  expect(await fetchResults(jobId)).toMatchObject({ phase: 'ended' })
  const rows = await db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId)).orderBy(outcomes.seq)
  return rows.map(({ seq, status, errorClass }) => [seq, status, errorClass])
}

const round = { round: 1, spec: JSON.stringify({ retry: { max_rounds: 1 } }) }
const impossible = { const: 'never said' }
const unusable = { type: 'objekt' }

test('each answer is checked against the schema of its own line; one that can not be used fails its item alone', async () => {
  const prompt = 'Line schema'
  const text = (schema: object | undefined, index: number) => ({
    prompt: `${prompt} ${index}`,
    ...(schema === undefined ? {} : { schema }),
  })
  const rows = await fetchBatchOf([undefined, unusable, impossible, undefined].map(text), { ...round, itemSchemas: true })
  expect(rows).toEqual([
    [1, 'succeeded', null],
    [2, 'failed', 'invalid_request'],
    [3, 'failed', 'invalid_output'],
    [4, 'succeeded', null],
  ])
})

test('so is the answer to a line of another provider, against the schema that it has in its own terms', async () => {
  const line = (schema: object) => ({
    params: {
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Line of another provider' }],
      output_config: { format: { type: 'json_schema', schema } },
    },
  })
  const possible = { type: 'object', properties: { label: { type: 'string' } }, required: ['label'], additionalProperties: false }
  const jobId = await endedBatchOf([line(possible), line({ ...possible, not: {} })], { ...round, itemSchemas: true })
  await fetchResults(jobId)
  const rows = await db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId)).orderBy(outcomes.seq)
  expect(rows.map(({ status, errorClass }) => [status, errorClass])).toEqual([
    ['succeeded', null],
    ['failed', 'invalid_output'],
  ])
  expect(JSON.parse(rows[0]?.answer ?? '')).toMatchObject({ output: { label: expect.any(String) } })
})

test('a job whose schema can not be used ends with errors instead of waiting for ever', async () => {
  const spec = JSON.stringify({ schema: unusable, retry: { max_rounds: 3 } })
  const rows = await fetchBatchOf([{ prompt: 'one' }, { prompt: 'two' }], { ...round, spec })
  expect(rows).toEqual([
    [1, 'failed', 'invalid_request'],
    [2, 'failed', 'invalid_request'],
  ])
})

test('results that are gone for good pause the job: nothing is sent again for them, and a cancel ends the batch', async () => {
  const jobId = await endedBatchOf([{ prompt: 'one' }], { round: 1 })
  // eslint-disable-next-line require-yield -- it fails before the first line
  async function* gone(): AsyncGenerator<never> {
    throw new ProviderError('file-1: 404', { kind: 'not_found', httpStatus: 404 })
  }
  expect(await fetchResults(jobId, { results: gone })).toMatchObject({ phase: 'fetch', waitMs: null })
  expect(await loadJob(db.database.drizzle, jobId)).toMatchObject({ status: 'paused', pauseReason: 'provider_batch_not_found' })
  await requestCancel(db.database, jobId)
  expect(await fetchResults(jobId, { results: gone })).toMatchObject({ phase: 'ended' })
  expect(await db.database.drizzle.select().from(attempts).where(eq(attempts.jobId, jobId))).toEqual([])
})

test.each(['completed', 'expired', 'cancelled'] as const)(
  'a batch that is %s and names no result file yet, though requests were finished, is looked at again before anything is taken for missing',
  async (status) => {
    const jobId = await endedBatchOf([{ prompt: 'one' }, { prompt: 'two' }], { round: 1 })
    const found = dependencies.providers.find('openai') as Provider
    const retrieve = async (id: string, signal: AbortSignal): Promise<ProviderBatch> => ({
      ...(await found.retrieve(id, signal)),
      status,
      resultFileIds: [],
      counts: { done: 1, failed: 0, total: 2 },
    })
    await expect(fetchResults(jobId, { retrieve })).rejects.toThrow('names no result file yet')
    const endedAt = new Date(Date.now() - resultsLagMs - 1000)
    const later = async (id: string, signal: AbortSignal) => ({ ...(await retrieve(id, signal)), endedAt })
    expect(await fetchResults(jobId, { retrieve: later })).toMatchObject({ phase: 'ended' })
  },
)
