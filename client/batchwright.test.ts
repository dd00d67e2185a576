import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../api/main.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { startJobStack, type JobStack } from '../test/job-stack.ts'
import { afterwards } from '../test/services.ts'
import { Batchwright, type NewJob } from './batchwright.ts'

// The client against a real API, worker, database and Temporal.

let stack: JobStack
let api: RunningApi
let batchwright: Batchwright

beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 50 } })
  api = await startApi(
    { ...stack.config, api: { host: '127.0.0.1', port: 0, key: null } },
    { debug() {}, info() {}, warn() {}, error() {} },
  )
  batchwright = new Batchwright({ url: api.url })
})

afterAll(async () => {
  await api?.stop()
  await stack?.stop()
})

const spec = { provider: 'openai', model: 'gpt-4o-mini' }

async function run(job: NewJob): Promise<string[]> {
  const created = await batchwright.jobs.create(job)
  const ended = await batchwright.jobs.wait(created.id, { timeoutMs: 15_000 })
  expect(ended).toMatchObject({ id: created.id, status: 'completed' })
  return (await Array.fromAsync(batchwright.jobs.results(created.id))).map(({ custom_id, status }) => `${custom_id} ${status}`)
}

const expected = Array.from({ length: 250 }, (_, index) => `item-${index + 1} succeeded`)
const lines = expected.map((_, index) => ({ custom_id: `item-${index + 1}`, prompt: `Say ${index + 1}.` }))

test('a job from an array', async () => {
  expect(await run({ ...spec, items: lines })).toEqual(expected)
})

test('a job from an async iterable', async () => {
  async function* items() {
    yield* lines
  }
  expect(await run({ ...spec, items: items() })).toEqual(expected)
})

test('a job from a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'client-'))
  afterwards(async () => rmSync(directory, { recursive: true }))
  const path = join(directory, 'items.jsonl')
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n'))
  expect(await run({ ...spec, items: path })).toEqual(expected)
})

test('the same key gives the same job; other content with it is refused', async () => {
  const options = { idempotencyKey: 'client-test' }
  const first = await batchwright.jobs.create({ ...spec, items: lines }, options)
  expect((await batchwright.jobs.create({ ...spec, items: lines }, options)).id).toBe(first.id)
  await expect(batchwright.jobs.create({ ...spec, items: lines.slice(1) }, options)).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  })
})

test('lists are read over all their pages', async () => {
  const { id } = await batchwright.jobs.create({ ...spec, name: 'paged', tags: { suite: 'client', kind: 'pages' }, items: lines })
  await batchwright.jobs.wait(id, { timeoutMs: 15_000 })
  const items = await Array.fromAsync(batchwright.jobs.items(id, { limit: 100 }))
  expect(items.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1))
  const events = await Array.fromAsync(batchwright.jobs.events(id, { limit: 2 }))
  expect(events.map(({ n }) => n)).toEqual(events.map((_, index) => index + 1))
  expect(
    await Array.fromAsync(batchwright.jobs.items(id, { custom_id: 'item-7', status: ['succeeded', 'failed'] })),
  ).toMatchObject([{ seq: 7 }])
  expect(
    await Array.fromAsync(batchwright.jobs.list({ tag: ['suite=client', 'kind'], status: ['completed', 'failed'] })),
  ).toMatchObject([{ id }])
  expect(await Array.fromAsync(batchwright.jobs.list({ tag: ['suite=client', 'kind=other'] }))).toEqual([])
  expect(await batchwright.jobs.item(id, 7)).toMatchObject({ custom_id: 'item-7', result: { status: 'succeeded' } })
  expect(await Array.fromAsync(batchwright.jobs.batches(id))).toMatchObject([{ batch: 1, result: 'completed', items: 250 }])
  expect(await batchwright.jobs.costs(id)).toMatchObject({ answers: 250, spent: false })
})

test('a cancelled job ends, and what ran again after a retry is waited for', async () => {
  const control = simulatorControl(stack.simulator.url)
  await control.setOptions({ duration_ms: '1h' })
  const { id } = await batchwright.jobs.create({ ...spec, items: lines.slice(0, 3) })
  await batchwright.jobs.cancel(id)
  expect((await batchwright.jobs.wait(id, { timeoutMs: 15_000 })).status).toBe('cancelled')
  await control.setOptions({ duration_ms: 50 })
  await batchwright.jobs.retry(id)
  expect(await batchwright.jobs.wait(id, { timeoutMs: 15_000 })).toMatchObject({ status: 'completed', counts: { succeeded: 3 } })
  await batchwright.jobs.delete(id)
  await expect(batchwright.jobs.get(id)).rejects.toMatchObject({ code: 'job_not_found' })
})
