import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { startCliStack, type CliStack } from '../test/cli-stack.ts'
import { until } from '../test/services.ts'
import { neutralItems } from './testing/cli-process.ts'

const target = ['-m', 'openai/gpt-4o-mini'] as const

let running: CliStack | undefined
let cli: CliStack['cli']
let jobs: Batchwright['jobs']

beforeAll(async () => {
  running = await startCliStack({ simulator: { duration_ms: 50 } })
  cli = running.cli
  jobs = new Batchwright({ url: running.api.url }).jobs
})

afterAll(async () => {
  await running?.stop()
})

/** What names the request that brings a part; null: none does. */
async function storedBy(id: string): Promise<string | null> {
  const [row] = await (running as CliStack).stack.db.database.sql<
    [{ receiving: string | null }]
  >`select receiving from jobs where id = ${id}`
  return row.receiving
}

const promptsOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ custom_id: `item-${from + index}`, prompt: `Say ${from + index}.` }))

test('submit --draft, append, start: one job of all parts, in their order', async () => {
  const first = await cli.run('submit', cli.writeLines('first.jsonl', promptsOf(1, 3)), ...target, '--name', 'parts', '--draft')
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[2-9a-hjkmnp-z]{12}\n$/) })
  const id = first.stdout.trim()
  const second = cli.writeLines('second.jsonl', promptsOf(4, 2))
  const appended = await cli.run('append', 'parts', second, '--json')
  expect(JSON.parse(appended.stdout)).toMatchObject({ part: 2, items: 2, rejected_lines: 0, next_part: 3 })
  // With its number, the same part adds nothing again.
  expect((await cli.run('append', 'parts', second, '--part', '2')).code).toBe(0)
  expect((await cli.run('status', id)).stdout).toContain('a draft of 2 parts')
  expect(await cli.run('start', id, '--parts', '3')).toMatchObject({ code: 1, stderr: expect.stringContaining('2 of 3 parts') })
  expect((await cli.run('start', id, '--parts', '2')).code).toBe(0)
  expect((await cli.run('wait', id, '--timeout', '60s')).code).toBe(0)
  const results = (await cli.run('results', id)).stdout.trimEnd().split('\n')
  expect(results.map((line) => JSON.parse(line).custom_id)).toEqual([1, 2, 3, 4, 5].map((n) => `item-${n}`))
  expect(await cli.run('append', id, second)).toMatchObject({ code: 1, stderr: expect.stringContaining('no draft') })
  // By its number it is known to be there.
  expect(await cli.run('append', id, second, '--part', '2')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('was started with it'),
  })
})

test('lines that a draft leaves out go to a file beside the input, all of them so far', async () => {
  const first = cli.writeLines('mixed-1.jsonl', ['{"prompt": 5}', ...promptsOf(1, 1)])
  const { stdout } = await cli.run('submit', first, ...target, '--skip-invalid', '--draft')
  const second = cli.writeLines('mixed-2.jsonl', [...promptsOf(2, 1), 'no JSON'])
  expect((await cli.run('append', stdout.trim(), second)).stderr).toContain('mixed-2.rejects.jsonl')
  const kept = readFileSync(join(cli.directory, 'mixed-2.rejects.jsonl'), 'utf8').trimEnd().split('\n')
  expect(kept.map((line) => JSON.parse(line))).toMatchObject([
    { line: 1, field: 'prompt' },
    { line: 4, text: 'no JSON' },
  ])
})

test('a draft without a file, and one whose file can not be taken', async () => {
  const empty = await cli.run('submit', ...target, '--draft', '--json')
  expect(JSON.parse(empty.stdout)).toMatchObject({ status: 'validating', draft: { next_part: 1 } } satisfies Partial<Job>)
  const bad = await cli.run('submit', cli.writeLines('bad.jsonl', ['{"prompt":5}']), ...target, '--name', 'bad draft', '--draft')
  expect(bad).toMatchObject({ code: 1, stdout: '' })
  expect(JSON.parse((await cli.run('list', '--name', 'bad draft', '--json')).stdout)).toEqual([])
})

test('a draft that is there already is attached to, and the same key and content give the same job', async () => {
  const file = cli.writeLines('attached.jsonl', promptsOf(1, 2))
  const options = [...target, '--name', 'attached', '--draft', '--idempotency-key', 'attached']
  const id = (await cli.run('submit', file, ...options)).stdout.trim()
  expect(await cli.run('submit', file, ...options)).toMatchObject({ code: 0, stdout: `${id}\n` })
  const other = cli.writeLines('other.jsonl', promptsOf(7, 2))
  expect(await cli.run('submit', other, ...options)).toMatchObject({ code: 1, stderr: expect.stringContaining('other content') })
  const attaching = ['submit', other, ...target, '--name', 'attached', '--draft', '--if-exists', 'attach']
  expect(await cli.run(...attaching)).toMatchObject({
    code: 0,
    stdout: `${id}\n`,
    stderr: expect.stringContaining('nothing is added'),
  })
  expect(await jobs.get(id)).toMatchObject({ counts: { total: 2 }, draft: { next_part: 2 } })
  await cli.run('start', id)
  for (const again of [['submit', file, ...options], attaching])
    expect(await cli.run(...again)).toMatchObject({ code: 0, stdout: `${id}\n` })
})

test('no model: the same usage error as without --draft', async () => {
  const file = cli.writeLines('no-model.jsonl', promptsOf(1, 1))
  expect(await cli.run('submit', file, '--provider', 'openai', '--draft')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('which model?'),
  })
})

test('an append that is cut off says how to repeat it without doubling anything', async () => {
  const { id } = await jobs.createDraft({ provider: 'openai', model: 'gpt-4o-mini' })
  const appending = cli.start(['append', id, '-'], null)
  appending.child.stdin.write(`${JSON.stringify({ prompt: 'one' })}\n`)
  await until('the upload to begin', async () => (await storedBy(id)) !== null)
  appending.child.kill('SIGINT')
  expect(await appending.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining(`batchwright append ${id} - --part 1`),
  })
})

test.each([['--wait'], ['--dry-run'], ['--from', 'parts']])('--draft with %s is a usage error', async (...options) => {
  const file = options[0] === '--from' ? [] : [cli.writeLines('some.jsonl', neutralItems(1))]
  expect(await cli.run('submit', ...file, ...target, '--draft', ...options)).toMatchObject({ code: 2, stdout: '' })
})

test('a program that dies between two parts goes on with the missing one', async () => {
  const dies = async function* () {
    yield* promptsOf(1, 25)
    throw new Error('power cut')
  }
  const job = { provider: 'openai', model: 'gpt-4o-mini', name: 'resumed' }
  const options = { idempotencyKey: 'resumed', itemsPerPart: 10 }
  const stored: number[] = []
  await expect(
    jobs.createInParts({ ...job, items: dies() }, { ...options, onPart: (part) => stored.push(part) }),
  ).rejects.toThrow('power cut')
  expect(stored).toEqual([1, 2])
  const created = await jobs.createInParts({ ...job, items: promptsOf(1, 34) }, options)
  expect(created).toMatchObject({ draft: null, counts: { total: 34 } })
  await jobs.wait(created.id, { timeoutMs: 60_000 })
  const results = await Array.fromAsync(jobs.results(created.id))
  expect(results.map(({ custom_id }) => custom_id)).toEqual(promptsOf(1, 34).map(({ custom_id }) => custom_id))
  expect(results.every(({ status }) => status === 'succeeded')).toBe(true)
  // Once more, when all is done.
  expect((await jobs.createInParts({ ...job, items: promptsOf(1, 34) }, options)).id).toBe(created.id)
})

test('what is not the same as what is stored is refused: nothing is lost without a word', async () => {
  const job = { provider: 'openai', model: 'gpt-4o-mini' }
  const options = { idempotencyKey: 'differs', itemsPerPart: 2 }
  const dies = async function* () {
    yield* promptsOf(1, 5)
    throw new Error('power cut')
  }
  await expect(jobs.createInParts({ ...job, items: dies() }, options)).rejects.toThrow('power cut')
  const items = promptsOf(1, 8)
  for (const [given, changed] of [
    [items, { itemsPerPart: 3 }],
    [items.toReversed(), {}],
    [items.slice(0, 2), {}],
  ] as const) {
    const again = jobs.createInParts({ ...job, items: given }, { ...options, ...changed })
    await expect(again).rejects.toMatchObject({ code: 'part_differs' })
  }
  await expect(jobs.createInParts({ ...job, items: [] }, options)).rejects.toMatchObject({ code: 'empty_input' })
  const created = await jobs.createInParts({ ...job, items }, options)
  expect(created).toMatchObject({ draft: null, counts: { total: 8 } })
  // Started, it takes no more, and is no other job either.
  expect((await jobs.createInParts({ ...job, items }, options)).id).toBe(created.id)
  for (const given of [promptsOf(1, 10), promptsOf(1, 6), promptsOf(2, 8)])
    await expect(jobs.createInParts({ ...job, items: given }, options)).rejects.toMatchObject({ code: 'part_differs' })
})

test('waiting for a draft says what it waits for', async () => {
  const draft = await jobs.createDraft({ provider: 'openai', model: 'gpt-4o-mini' })
  const waiting = await cli.run('wait', draft.id, '--timeout', '1s')
  expect(waiting).toMatchObject({ code: 4, stderr: expect.stringContaining(`batchwright start ${draft.id}`) })
})
