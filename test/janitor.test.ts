import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { eq, sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ActivityDependencies } from '../activities/index.ts'
import { createAfterJobActivities } from '../activities/after-job.ts'
import { createJanitorActivities } from '../activities/janitor.ts'
import { createSettleActivities } from '../activities/settle.ts'
import { lookIntervalMs } from '../activities/twins.ts'
import { createToken, formatItemId } from '../core/item-id.ts'
import { loadBatch } from '../db/batches.ts'
import { deleteJob } from '../db/job-deletion.ts'
import { loadJob } from '../db/job-state.ts'
import { batches, events, leases, ledger, submissions, tickets } from '../db/schema.ts'
import { listPossibleTwins, recordTwin } from '../db/submissions.ts'
import { loadCatalog } from '../models/catalog.ts'
import { isTerminalAtProvider, type Provider, type ProviderBatch } from '../providers/provider.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { simulatorControl, type SimulatorControl } from '../simulator/simulator.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { providerSettings } from '../worker/provider-settings.ts'
import { insertJob } from './job-rows.ts'
import { startJobStack, type JobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'

let stack: JobStack
let simulator: SimulatorControl
let provider: Provider
let spoolDirectory: string
let warnings: string[] = []
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 50 }, worker: false })
  simulator = simulatorControl(stack.simulator.url)
  provider = dependencies().providers.find('openai') as Provider
  spoolDirectory = await mkdtemp(join(tmpdir(), 'batchwright-test-spool-'))
})
afterAll(async () => {
  await stack.stop()
  await rm(spoolDirectory, { recursive: true, force: true })
})
afterEach(async () => {
  warnings = []
  await simulator.clearFaults()
  await simulator.setOptions({ duration_ms: 50, quirks: { repeated_lines: 0, foreign_lines: 0 } })
  // What one test left behind is no business of the next one.
  await stack.db.database.drizzle.delete(submissions)
})

function dependencies(settings: Partial<ActivityDependencies['settings']> = {}): ActivityDependencies {
  return {
    database: stack.db.database,
    providers: createProviderRegistry(providerSettings(stack.config), loadCatalog(stack.config.models)),
    workflows: stack.client.workflow,
    settings: { ...activitySettings(stack.config), spoolDirectory, searchAttributes: false, ...settings },
    logger: { info() {}, warn: (_fields, message) => void warnings.push(message), error() {} },
    redact: (text) => text,
    reach: () => {},
  }
}

/** The janitor of one worker, and its sweeps one by one. */
function janitor(settings: Partial<ActivityDependencies['settings']> = {}) {
  const activities = createJanitorActivities(dependencies(settings))
  return {
    sweep: () => activityEnvironment().run(() => activities.sweep({ isFull: true })),
    sweepProvider: () => activityEnvironment().run(() => activities.sweepProvider({ provider: 'openai', simulated: true })),
  }
}

// Failures that are asked for have no place in the output.
const activityEnvironment = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })

const never = new AbortController().signal

interface AtProvider {
  readonly token: string
  readonly inputFileId: string
  readonly remote: ProviderBatch
}

/** A batch that exists at the provider. With `batchesOfFile`, several of one file. */
async function createAtProvider(name: string, items = 3, batchesOfFile = 1): Promise<AtProvider & { others: ProviderBatch[] }> {
  const token = createToken(randomBytes(32))
  const path = join(spoolDirectory, `${name}-${token}`)
  const lines = Array.from({ length: items }, (_, index) => {
    const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Janitor, ${name}: what is ${index} + 1?` }] }
    return provider.line(formatItemId(token, index + 1), { endpoint: '/v1/chat/completions', body } as never)
  })
  await writeFile(path, lines.map((line) => `${line}\n`).join(''))
  const { inputFileId } = await provider.upload({
    fileName: `${name}.jsonl`,
    path,
    endpoint: '/v1/chat/completions',
    signal: never,
  })
  const created: ProviderBatch[] = []
  for (let count = 0; count < batchesOfFile; count++) {
    created.push(
      await provider.create({
        inputFileId,
        endpoint: '/v1/chat/completions',
        model: 'gpt-4o-mini',
        displayName: name,
        signal: never,
        beforeSend() {},
      }),
    )
  }
  const [remote, ...others] = created
  return { token, inputFileId: inputFileId as string, remote: remote as ProviderBatch, others }
}

async function untilEnded(id: string): Promise<void> {
  await until(`batch ${id} to end`, async () => isTerminalAtProvider((await provider.retrieve(id, never)).status))
}

/** A submission that was decided to be absent `minutes` ago. */
async function insertAbsent(
  jobId: string,
  { token, inputFileId }: { token: string; inputFileId: string },
  change: { minutes?: number; providerBatchId?: string } = {},
) {
  const { minutes = 0, providerBatchId = null } = change
  const ago = sql`now() - ${minutes} * interval '1 minute'`
  const [row] = await stack.db.database.drizzle
    .insert(submissions)
    .values({
      jobId,
      batch: 1,
      attempt: 1,
      provider: 'openai',
      simulated: true,
      token,
      inputFileId,
      requestHash: 'hash',
      keyFingerprint: provider.keyFingerprint,
      state: 'absent',
      sendDeadline: ago,
      intendedAt: ago,
      settledAt: ago,
      providerBatchId,
    })
    .returning()
  return row as NonNullable<typeof row>
}

async function insertBatch(jobId: string, change: Partial<typeof batches.$inferInsert> = {}): Promise<void> {
  await stack.db.database.drizzle.insert(batches).values({
    jobId,
    batch: 1,
    round: 1,
    shard: change.batch ?? 1,
    provider: 'openai',
    simulated: true,
    model: 'gpt-4o-mini',
    endpoint: '/v1/chat/completions',
    listed: false,
    seqFrom: 1,
    seqTo: 3,
    items: 3,
    bytes: 300,
    tokens: 30,
    ...change,
  })
}

async function eventsOf(jobId: string): Promise<Array<{ type: string; data: Record<string, unknown> }>> {
  const rows = await stack.db.database.drizzle.select().from(events).where(eq(events.jobId, jobId)).orderBy(events.n)
  return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) as Record<string, unknown> }))
}

async function bookedFor(jobId: string) {
  const rows = await stack.db.database.drizzle.select().from(ledger).where(eq(ledger.jobId, jobId)).orderBy(ledger.id)
  return rows.map(({ kind, providerBatchId, amountNanos }) => ({ kind, providerBatchId, amountNanos }))
}

async function billOfBatch(id: string): Promise<bigint> {
  const batch = (await simulator.books()).batches.find((each) => each.id === id)
  return BigInt(batch?.delivered_cost_nano_usd ?? -1)
}

async function callsOf(route: string): Promise<number> {
  return (await simulator.books()).calls[`openai/${route}`] ?? 0
}

test('a twin that had finished before it was seen is reported and booked, once, at what its own lines cost', async () => {
  await simulator.setOptions({ quirks: { repeated_lines: 1, foreign_lines: 2 } })
  const jobId = await insertJob(stack.db.database, 3)
  const twin = await createAtProvider('finished')
  await untilEnded(twin.remote.id)
  await insertAbsent(jobId, twin)
  for (let times = 0; times < 2; times++) await janitor().sweepProvider()
  const bill = await billOfBatch(twin.remote.id)
  expect(bill).toBeGreaterThan(0n)
  expect(await bookedFor(jobId)).toEqual([{ kind: 'actual', providerBatchId: twin.remote.id, amountNanos: bill }])
  expect(await eventsOf(jobId)).toMatchObject([
    { type: 'twin_finished', data: { batch: 1, provider_batch_id: twin.remote.id, result: 'completed', answers: 3 } },
  ])
})

test('a running twin is cancelled, and the part that it had finished is booked when it has ended', async () => {
  await simulator.setOptions({ duration_ms: 20_000 })
  const jobId = await insertJob(stack.db.database, 3)
  const twin = await createAtProvider('cancelled', 200)
  await until('some answers', async () => ((await provider.retrieve(twin.remote.id, never)).counts?.done ?? 0) > 3)
  await insertAbsent(jobId, twin)
  await janitor().sweepProvider()
  expect(await bookedFor(jobId)).toEqual([])
  await untilEnded(twin.remote.id)
  // It is known by now: no list is read for it.
  const lists = await callsOf('batches.list')
  for (let times = 0; times < 2; times++) await janitor().sweepProvider()
  expect(await callsOf('batches.list')).toBe(lists)
  const bill = await billOfBatch(twin.remote.id)
  expect(bill).toBeGreaterThan(0n)
  expect(await bookedFor(jobId)).toEqual([{ kind: 'actual', providerBatchId: twin.remote.id, amountNanos: bill }])
  expect((await eventsOf(jobId)).map(({ type, data }) => [type, data['result']])).toEqual([
    ['twin_cancelled', undefined],
    ['twin_finished', 'cancelled'],
  ])
})

test('a twin that ended a moment ago and names no result file yet is not booked as one that cost nothing', async () => {
  await simulator.setOptions({ duration_ms: 60_000 })
  const jobId = await insertJob(stack.db.database, 3)
  const twin = await createAtProvider('no-files')
  await provider.cancel(twin.remote.id, never)
  await untilEnded(twin.remote.id)
  const { resultFileIds, endedAt } = await provider.retrieve(twin.remote.id, never)
  expect(resultFileIds).toEqual([])
  expect(endedAt).not.toBeNull()
  await insertAbsent(jobId, twin)
  for (let times = 0; times < 2; times++) await janitor().sweepProvider()
  expect(await bookedFor(jobId)).toEqual([])
  expect(await listPossibleTwins(stack.db.database, 'openai', true)).toMatchObject([
    { submission: { jobId, providerBatchId: twin.remote.id } },
  ])
})

test('two batches of one submission are both billed', async () => {
  const jobId = await insertJob(stack.db.database, 3)
  const twice = await createAtProvider('twice', 3, 2)
  const ids = [twice.remote.id, ...twice.others.map(({ id }) => id)]
  for (const id of ids) await untilEnded(id)
  await insertAbsent(jobId, twice)
  for (let times = 0; times < 2; times++) await janitor().sweepProvider()
  const booked = await bookedFor(jobId)
  expect(booked).toHaveLength(2)
  expect(new Set(booked.map(({ providerBatchId }) => providerBatchId))).toEqual(new Set(ids))
})

test('of two batches of one undecided submission one is adopted; the other one is followed and booked', async () => {
  const jobId = await insertJob(stack.db.database, 3)
  const made = await createAtProvider('adopted', 3, 2)
  const ids = [made.remote.id, ...made.others.map(({ id }) => id)]
  for (const id of ids) await untilEnded(id)
  await insertBatch(jobId, { status: 'submitting', token: made.token, inputFileId: made.inputFileId, attempt: 1 })
  const { id } = await insertAbsent(jobId, made, { minutes: 30 })
  await stack.db.database.drizzle.update(submissions).set({ state: 'sending', settledAt: null }).where(eq(submissions.id, id))
  const activities = createSettleActivities(dependencies())
  expect(await activityEnvironment().run(() => activities.settle({ jobId, batch: 1 }))).toMatchObject({ phase: 'poll' })
  const owner = await loadBatch(stack.db.database.drizzle, jobId, 1)
  expect(ids).toContain(owner.providerBatchId)
  for (let times = 0; times < 2; times++) await janitor().sweepProvider()
  expect((await bookedFor(jobId)).map(({ providerBatchId }) => providerBatchId)).toEqual(
    ids.filter((each) => each !== owner.providerBatchId),
  )
  await stack.db.database.drizzle.delete(batches).where(eq(batches.jobId, jobId))
})

test('a batch that has an owner never becomes a twin', async () => {
  const jobId = await insertJob(stack.db.database, 3)
  const { drizzle } = stack.db.database
  const file = { token: 'aaaaaaaaaaaaaaaa', inputFileId: 'file-of-two' }
  await insertAbsent(jobId, file, { providerBatchId: 'batch_owned' })
  const unowned = await insertAbsent(jobId, file)
  expect(await recordTwin(drizzle, unowned, 'batch_owned')).toBeNull()
  expect(await recordTwin(drizzle, unowned, 'batch_free')).toMatchObject({ id: unowned.id, providerBatchId: 'batch_free' })
})

test('room that nobody uses any more goes to the batch that waits for it', async () => {
  const { drizzle } = stack.db.database
  const jobId = await insertJob(stack.db.database, 3)
  await insertBatch(jobId, { batch: 1, status: 'ended' })
  await insertBatch(jobId, { batch: 2 })
  const room = { jobId, lane: 'openai (simulated)', model: 'gpt-4o-mini', tokens: 1 }
  await drizzle.insert(leases).values({ ...room, batch: 1 })
  await drizzle.insert(tickets).values({ ...room, batch: 2, priority: 10 })
  const workflow = { taskQueue: 'nobody', workflowId: `job-${jobId}-batch-2`, args: [{ jobId, batch: 2 }] }
  const handle = await stack.client.workflow.start('providerBatch', workflow)
  afterwards(() => handle.terminate())
  await janitor().sweepProvider()
  const held = await drizzle.select({ batch: leases.batch }).from(leases).where(eq(leases.jobId, jobId))
  expect(held).toEqual([{ batch: 2 }])
  const history = await handle.fetchHistory()
  const signals = (history.events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? [])
  expect(signals).toEqual(['admitted'])
  await drizzle.delete(batches).where(eq(batches.jobId, jobId))
})

test('a twin of a job that was deleted is cancelled and booked all the same', async () => {
  const jobId = await insertJob(stack.db.database, 3, { status: 'completed', endedAt: new Date() })
  const twin = await createAtProvider('deleted')
  await untilEnded(twin.remote.id)
  await insertAbsent(jobId, twin)
  await deleteJob(stack.db.database, jobId)
  await janitor().sweepProvider()
  expect((await bookedFor(jobId)).map(({ providerBatchId }) => providerBatchId)).toEqual([twin.remote.id])
  expect(await eventsOf(jobId)).toEqual([])
})

test('a twin that can not be looked after, and an orphan that can not be cancelled, do not hide those behind them', async () => {
  const jobId = await insertJob(stack.db.database, 3)
  const [hidden, first] = [await createAtProvider('hidden'), await createAtProvider('first')]
  for (const { remote } of [hidden, first]) await untilEnded(remote.id)
  await insertAbsent(jobId, hidden, { providerBatchId: hidden.remote.id })
  await insertAbsent(jobId, first, { providerBatchId: first.remote.id })
  const over = await insertJob(stack.db.database, 3, { status: 'failed', endedAt: new Date() })
  await insertBatch(over, { status: 'in_progress', providerBatchId: hidden.remote.id })
  // The orphan is looked up first, then the newest twin.
  await simulator.addFault('batches.retrieve:status:status=403,times=2')
  await expect(janitor().sweepProvider()).rejects.toThrow(/403/)
  expect((await bookedFor(jobId)).map(({ providerBatchId }) => providerBatchId)).toEqual([hidden.remote.id])
  expect(warnings).toEqual(
    expect.arrayContaining(['an orphaned batch could not be cancelled', 'a twin could not be looked after']),
  )
  await janitor().sweepProvider()
  expect(await bookedFor(jobId)).toHaveLength(2)
  await stack.db.database.drizzle.delete(batches).where(eq(batches.jobId, over))
})

test('the list is read less and less for a submission that stays absent, and not at all after two days', async () => {
  const jobId = await insertJob(stack.db.database, 3)
  const sweepTwice = async (minutes: number): Promise<number> => {
    await stack.db.database.drizzle.delete(submissions)
    await insertAbsent(jobId, { token: 'aaaaaaaaaaaaaaaa', inputFileId: 'file-nobody-has' }, { minutes })
    const before = await callsOf('batches.list')
    const { sweepProvider } = janitor()
    for (let times = 0; times < 2; times++) await sweepProvider()
    return (await callsOf('batches.list')) - before
  }
  expect(await sweepTwice(0)).toBe(2)
  expect(await sweepTwice(60)).toBe(1)
  expect(await sweepTwice(49 * 60)).toBe(0)
  expect([1, 10, 60, 1000].map((minutes) => lookIntervalMs(minutes * 60_000) / 60_000)).toEqual([0, 1, 6, 30])
})

test('a list that breaks off is read again at the next sweep, however old the submission is', async () => {
  const jobId = await insertJob(stack.db.database, 3)
  const twin = await createAtProvider('broken-list')
  await untilEnded(twin.remote.id)
  await insertAbsent(jobId, twin, { minutes: 60 })
  await simulator.addFault('batches.list:status:status=403')
  const { sweepProvider } = janitor()
  await expect(sweepProvider()).rejects.toThrow(/403/)
  await sweepProvider()
  expect(await bookedFor(jobId)).toHaveLength(1)
})

test('batches under way get their workflow back in any state; those that only wait for room are left to their job', async () => {
  const jobId = await insertJob(stack.db.database, 3)
  const states = ['submitting', 'in_progress', 'fetching', 'planned', 'planned', 'ended'] as const
  for (const [index, status] of states.entries()) await insertBatch(jobId, { batch: index + 1, shard: index + 1, status })
  await stack.db.database.drizzle
    .insert(leases)
    .values({ jobId, batch: 4, lane: 'openai (simulated)', model: 'gpt-4o-mini', tokens: 1 })
  const paused = await insertJob(stack.db.database, 3, { status: 'paused', pauseReason: 'user' })
  await insertBatch(paused, { status: 'fetching' })
  await janitor().sweep()
  const hasWorkflow = (id: string) =>
    stack.client.workflow
      .getHandle(id)
      .describe()
      .then(
        ({ status }) => status.name === 'RUNNING',
        () => false,
      )
  const found = await Promise.all(states.map((_, index) => hasWorkflow(`job-${jobId}-batch-${index + 1}`)))
  expect(found).toEqual([true, true, true, true, false, false])
  expect(await hasWorkflow(`job-${paused}-batch-1`)).toBe(true)
  await stack.db.database.drizzle.delete(batches).where(eq(batches.jobId, paused))
})

test('a job whose workflow was terminated is told to the webhook, which the sweep does not wait for', async () => {
  const received: Array<{ type: string; data: { id: string } }> = []
  const held: Array<() => void> = []
  const webhook = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request.setEncoding('utf8')) body += chunk as string
      received.push(JSON.parse(body) as (typeof received)[number])
      held.push(() => response.end())
    })()
  })
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
  afterwards(async () => {
    webhook.closeAllConnections()
    await new Promise((resolve) => webhook.close(resolve))
  })
  const jobId = await insertJob(stack.db.database, 3)
  const handle = await stack.client.workflow.start('batchJob', {
    taskQueue: 'nobody',
    workflowId: `job-${jobId}`,
    args: [{ jobId }],
  })
  await handle.terminate('by hand')
  const url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/`
  await janitor({ webhook: { url, secret: null } }).sweep()
  expect(await loadJob(stack.db.database.drizzle, jobId)).toMatchObject({ status: 'failed', errorCode: 'workflow_terminated' })
  await until('the webhook to be called', () => held.length > 0)
  expect(received).toMatchObject([{ type: 'job.failed', data: { id: jobId } }])
  for (const answer of held) answer()
  await until('its delivery to be noted', async () => (await eventsOf(jobId)).some(({ type }) => type === 'webhook_delivered'))
})

test('spool files that a killed worker left are removed after a day; those of others stay', async () => {
  const own = join(spoolDirectory, 'own')
  await mkdir(own)
  const old = new Date(Date.now() - 25 * 3_600_000)
  for (const name of ['aaaaaaaaaaaaaaaa.jsonl', 'bbbbbbbbbbbbbbbb.jsonl', 'notes.jsonl']) await writeFile(join(own, name), '{}\n')
  for (const name of ['aaaaaaaaaaaaaaaa.jsonl', 'notes.jsonl']) await utimes(join(own, name), old, old)
  await janitor({ spoolDirectory: own }).sweep()
  expect((await readdir(own)).sort()).toEqual(['bbbbbbbbbbbbbbbb.jsonl', 'notes.jsonl'])
  // A directory that is not there yet is nothing to speak of.
  await janitor({ spoolDirectory: join(own, 'missing') }).sweep()
  expect(warnings).toEqual([])
})

test('the files of ended batches are deleted, sent or not; those of open or undecided ones stay', async () => {
  const jobId = await insertJob(stack.db.database, 3, { status: 'failed', endedAt: new Date() })
  const names = ['ended', 'never-sent', 'open', 'undecided', 'twin'] as const
  const made = await Promise.all(names.map((name) => createAtProvider(`files-${name}`)))
  const [ended, neverSent, open, undecided, twin] = made as AtProvider[] as [
    AtProvider,
    AtProvider,
    AtProvider,
    AtProvider,
    AtProvider,
  ]
  for (const { remote } of made) await untilEnded(remote.id)
  await insertBatch(jobId, { batch: 1, status: 'ended', providerBatchId: ended.remote.id, inputFileId: ended.inputFileId })
  await insertBatch(jobId, { batch: 2, status: 'ended', result: 'not_sent', inputFileId: neverSent.inputFileId })
  await insertBatch(jobId, { batch: 3, status: 'in_progress', providerBatchId: open.remote.id, inputFileId: open.inputFileId })
  await insertBatch(jobId, { batch: 4, status: 'ended', inputFileId: undecided.inputFileId })
  const { id } = await insertAbsent(jobId, undecided)
  await stack.db.database.drizzle.update(submissions).set({ batch: 4, state: 'sending' }).where(eq(submissions.id, id))
  await insertAbsent(jobId, twin, { providerBatchId: twin.remote.id })
  const activities = createAfterJobActivities(dependencies())
  await activityEnvironment().run(() => activities.deleteProviderFiles({ jobId }))
  const left = new Set((await simulator.books()).files.map((file) => file.id))
  const isLeft = async ({ inputFileId, remote }: AtProvider) => {
    const { resultFileIds } = await provider.retrieve(remote.id, never)
    return { input: left.has(inputFileId), results: resultFileIds.some((fileId) => left.has(fileId)) }
  }
  expect(await isLeft(ended)).toEqual({ input: false, results: false })
  expect((await isLeft(neverSent)).input).toBe(false)
  expect(await isLeft(open)).toEqual({ input: true, results: true })
  expect(await isLeft(undecided)).toEqual({ input: true, results: true })
  // What a twin answered is read once more, to book it.
  expect(await isLeft(twin)).toEqual({ input: false, results: true })
  await stack.db.database.drizzle.delete(batches).where(eq(batches.jobId, jobId))
})
