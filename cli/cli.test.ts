import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../api/main.ts'
import type { Job } from '../client/batchwright.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { startJobStack, type JobStack } from '../test/job-stack.ts'
import { afterwards, until } from '../test/services.ts'

// The command as people run it, in a process of its own, against a real API, worker, database and Temporal.

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const examples = fileURLToPath(new URL('../examples/', import.meta.url))
const target = ['-m', 'openai/gpt-4o-mini'] as const

let stack: JobStack
let api: RunningApi
let directory: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-cli-'))
  stack = await startJobStack()
  api = await startApi(
    { ...stack.config, api: { host: '127.0.0.1', port: 0, key: null } },
    { debug() {}, info() {}, warn() {}, error: console.error },
  )
})

afterAll(async () => {
  await api?.stop()
  await stack?.stop()
  rmSync(directory, { recursive: true, force: true })
})

beforeEach(async () => {
  const control = simulatorControl(stack.simulator.url)
  await control.clearFaults()
  await control.setOptions({ duration_ms: 50 })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `input` null: standard input stays open. */
function start(
  args: readonly string[],
  input: string | null = '',
): { child: ChildProcess; ended: Promise<Ended>; stderr: () => string } {
  const child = spawn(process.execPath, [main, ...args], { cwd: directory, env: { ...process.env, BATCHWRIGHT_URL: api.url } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  if (input !== null) child.stdin.end(input)
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  return { child, ended, stderr: () => stderr }
}

async function run(...args: string[]): Promise<Ended> {
  return await start(args).ended
}

function writeItems(name: string, lines: readonly unknown[]): string {
  writeFileSync(join(directory, name), lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
  return name
}

function items(count: number, prompt: (index: number) => string = (index) => `Say ${index}.`): object[] {
  return Array.from({ length: count }, (_, index) => ({ custom_id: `item-${index + 1}`, prompt: prompt(index + 1) }))
}

async function submitted(file: string, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('submit', file, ...target, ...options)
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^[2-9a-hjkmnp-z]{12}\n$/)
  return stdout.trim()
}

async function jobOf(reference: string): Promise<Job> {
  return JSON.parse((await run('status', reference, '--json')).stdout) as Job
}

async function jobsNamed(name: string): Promise<Job[]> {
  return JSON.parse((await run('list', '--name', name, '--json')).stdout) as Job[]
}

/** A job whose batch takes an hour. */
async function longJob(...options: string[]): Promise<string> {
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: '1h' })
  const id = await submitted(writeItems('long.jsonl', items(3)), ...options)
  afterwards(async () => {
    await run('cancel', id)
    await run('wait', id, '--timeout', '15s')
  })
  return id
}

test('a job from its file to its answers', async () => {
  const file = writeItems('good.jsonl', items(20))
  const { code, stdout, stderr } = await run('submit', file, ...target, '--name', 'good', '--tag', 'team=a', '--wait')
  expect(code, stderr).toBe(0)
  // Only the id is a result; a script takes it as it is.
  const id = stdout.trim()
  expect(stdout).toMatch(/^[2-9a-hjkmnp-z]{12}\n$/)
  expect(stderr).toContain('20 items for openai/gpt-4o-mini (simulated')
  expect(stderr).toContain('20: 20 succeeded')
  expect(stderr).toContain('(simulated, not spent)')
  expect(stderr).toContain(`batchwright results ${id}`)
  expect(stderr).not.toContain('\u001b')

  const results = await run('results', id)
  expect(results).toMatchObject({ code: 0, stderr: '' })
  const lines = results.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; custom_id: string; status: string })
  expect(lines.map(({ seq }) => seq)).toEqual(items(20).map((_, index) => index + 1))
  expect(lines[19]).toMatchObject({ custom_id: 'item-20', status: 'succeeded', simulated: true })

  expect((await run('results', 'good', '-o', 'answers.csv')).code).toBe(0)
  expect(readFileSync(join(directory, 'answers.csv'), 'utf8').split('\n')[0]).toMatch(/^custom_id,/)
  expect(JSON.parse((await run('results', id.slice(0, 8), '--json')).stdout)).toHaveLength(20)
  expect((await run('results', id, '--raw')).stdout.split('\n')[0]).toContain('"response"')

  expect((await run('status', id)).stdout).toMatch(/Status +completed/)
  expect((await run('list', '--tag', 'team=a')).stdout).toMatch(new RegExp(`^ID .*\n${id} +good +completed +20/20`))
  expect(JSON.parse((await run('list', '--name', 'good', '--json')).stdout)).toMatchObject([{ id, tags: { team: 'a' } }])
  expect((await run('items', id, '--custom-id', 'item-7')).stdout).toMatch(/\n +7 +item-7 +succeeded/)
  expect(JSON.parse((await run('items', id, '--json')).stdout)).toHaveLength(20)
  expect((await run('batches', id)).stdout).toMatch(/\n +1 +1 +completed +batch_/)
  expect((await run('events', id)).stdout).toMatch(/^ +1 {2}\d{4}-/)
  expect(JSON.parse((await run('costs', id, '--json')).stdout)).toMatchObject({ job_id: id, simulated: true, spent: false })
  expect((await run('costs', id)).stdout).toContain('Simulated, not spent.')

  expect(await run('delete', id)).toMatchObject({ code: 0, stdout: '' })
  expect(await run('status', id)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^batchwright: there is no job/),
  })
})

test('failed items: exit 3, what failed is said, found, and sent again', async () => {
  const file = writeItems(
    'some.jsonl',
    items(6, (index) => (index <= 2 ? `Say ${index}. [[simulate:refusal times=1]]` : `Say ${index}.`)),
  )
  const { code, stdout, stderr } = await run('submit', file, ...target, '--wait')
  expect(code, stderr).toBe(3)
  const id = stdout.trim()
  expect(stderr).toContain('2 refusal')
  expect(stderr).toContain(`batchwright retry ${id}`)
  expect(await run('results', id)).toMatchObject({ code: 3, stderr: expect.stringContaining('2 of 6 items did not succeed') })
  expect((await run('items', id, '--status', 'failed')).stdout.trimEnd().split('\n')).toHaveLength(3)
  expect(JSON.parse((await run('items', id, '--error-class', 'refusal', '--json')).stdout)).toHaveLength(2)

  expect((await run('retry', id, '--error-class', 'refusal')).code).toBe(0)
  expect((await run('wait', id, '--timeout', '15s')).code).toBe(0)
  expect((await run('results', id)).code).toBe(0)
})

test('a job that is not finished: exit 6 with what there is, 4 after a timeout, 130 after Ctrl-C', async () => {
  const id = await longJob()
  expect(await run('results', id)).toMatchObject({
    code: 6,
    stdout: '',
    stderr: expect.stringContaining('0 of 3 items have an answer so far'),
  })
  expect(await run('wait', id, '--timeout', '300ms')).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringContaining(`batchwright watch ${id}`),
  })

  const watching = start(['watch', id])
  await until('the first line', () => watching.stderr().includes('in_progress: 0 of 3 items done'))
  watching.child.kill('SIGINT')
  expect(await watching.ended).toMatchObject({
    code: 130,
    stdout: '',
    stderr: expect.stringContaining(`Watch it again with: batchwright watch ${id}`),
  })
  expect((await jobOf(id)).status).toBe('in_progress')
})

test('submit --wait detaches with the id on stdout', async () => {
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: '1h' })
  const submitting = start(['submit', writeItems('detach.jsonl', items(2)), ...target, '--wait'])
  await until('the job to run', () => submitting.stderr().includes('in_progress'))
  submitting.child.kill('SIGINT')
  const { code, stdout } = await submitting.ended
  expect(code).toBe(130)
  afterwards(async () => await run('cancel', stdout.trim()))
  expect((await jobOf(stdout.trim())).status).toBe('in_progress')
})

test('pause, resume, poll and cancel; what does not fit the state is one line', async () => {
  const id = await longJob()
  await until('the batch', async () => (await jobOf(id)).batches.open === 1)
  expect((await run('poll', id)).code).toBe(0)
  expect((await run('pause', id)).code).toBe(0)
  await until('the pause', async () => (await jobOf(id)).status === 'paused')
  expect(await run('pause', id)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^batchwright: [^\n]+\n$/) })
  expect((await run('status', id)).stdout).toContain(`batchwright resume ${id}`)
  expect((await run('resume', id)).code).toBe(0)
  await until('the end of the pause', async () => (await jobOf(id)).status === 'in_progress')
  expect(await run('resume', id)).toMatchObject({ code: 1 })
  expect(await run('delete', id)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^batchwright: [^\n]+\n$/) })

  expect((await run('cancel', id)).code).toBe(0)
  expect((await run('wait', id, '--timeout', '15s')).code).toBe(3)
  expect(await run('cancel', id)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^batchwright: [^\n]+\n$/) })
})

test('a refused key pauses the job: exit 5, why, and what to do', async () => {
  await simulatorControl(stack.simulator.url).addFault('files.create:status:status=401,times=always')
  const { code, stdout, stderr } = await run(
    'submit',
    writeItems('auth.jsonl', items(2)),
    ...target,
    '--wait',
    '--timeout',
    '15s',
  )
  expect(code, stderr).toBe(5)
  const id = stdout.trim()
  expect(stderr).toMatch(/paused +auth: openai refused the API key/)
  expect(stderr).toContain(`batchwright resume ${id}`)
  await simulatorControl(stack.simulator.url).clearFaults()
  expect((await run('resume', id)).code).toBe(0)
  expect((await run('wait', id, '--timeout', '15s')).code).toBe(0)
})

test('wrong lines: the first ten and how many there are, and nothing is kept', async () => {
  const lines = items(14).map((item, index) => (index < 2 ? item : { ...item, prompt: 5 }))
  const file = writeItems('wrong.jsonl', [...lines, '{"prompt": "cut'])
  const { code, stdout, stderr } = await run('submit', file, ...target, '--name', 'wrong')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const told = stderr.trimEnd().split('\n')
  expect(told).toHaveLength(12)
  expect(told[0]).toMatch(/^batchwright: /)
  expect(told[1]).toMatch(/^line 3: field prompt: /)
  expect(told[11]).toBe('… 13 errors in all')
  expect((await run('list', '--name', 'wrong')).stdout).toBe('')
})

test.for([
  ['a model', ['submit', 'one.jsonl', '-m', 'opnai/gpt-4o-mini'], 2, /opnai.*did you mean "openai"/],
  ['a job', ['status', 'k7m2x9qd4hta'], 1, /there is no job/],
] as const)('an unknown name of %s is told in one line', async ([, args, code, message]) => {
  writeItems('one.jsonl', items(1))
  const ended = await run(...args)
  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(message)
  expect(ended.stderr).toMatch(/^batchwright: [^\n]+\n$/)
})

test('two jobs of one name: both are listed, the id decides', async () => {
  const file = writeItems('twice.jsonl', items(1))
  const ids = [await submitted(file, '--name', 'twice'), await submitted(file, '--name', 'twice')]
  const { code, stderr } = await run('status', 'twice')
  expect(code).toBe(2)
  for (const id of ids) expect(stderr).toContain(id)
  expect(stderr).toMatch(/^batchwright: "twice" names more than one job: [^\n]+\n$/)
})

test('items from standard input; the same key and content give the same job', async () => {
  const input = `${items(2)
    .map((item) => JSON.stringify(item))
    .join('\n')}\n`
  const args = ['submit', '-', ...target, '--idempotency-key', 'nightly-1', '--json']
  const first = await start(args, input).ended
  expect(first.code, first.stderr).toBe(0)
  const second = await start(args, input).ended
  expect((JSON.parse(second.stdout) as Job).id).toBe((JSON.parse(first.stdout) as Job).id)
  expect(await start(args, `${input}{"prompt":"more"}\n`).ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^\{"error":\{"code":"idempotency_key_reused"/),
  })
})

test('the examples run as their README says', async () => {
  const schema = join(examples, 'support-tickets.schema.json')
  const tickets = await run(
    'submit',
    join(examples, 'support-tickets.jsonl'),
    '-m',
    'openai/gpt-5-mini',
    '--schema',
    schema,
    '--wait',
  )
  expect(tickets.code, tickets.stderr).toBe(0)
  const first = JSON.parse((await run('results', tickets.stdout.trim())).stdout.split('\n')[0] ?? '') as {
    custom_id: string
    output: unknown
    metadata: unknown
  }
  expect(first).toMatchObject({
    custom_id: 'ticket-0001',
    output: { category: expect.any(String) },
    metadata: { channel: expect.any(String) },
  })

  const reviews = await run(
    'submit',
    join(examples, 'reviews.csv'),
    '-m',
    'openai/gpt-5-mini',
    '--prompt',
    'Is this review of a {{product}} good? {{text}}',
    '--wait',
  )
  expect(reviews.code, reviews.stderr).toBe(0)
  expect((await run('results', reviews.stdout.trim())).stdout).toMatch(/^{"custom_id":"review-01",.*"metadata":{"stars":"5"}/)

  const native = await run('submit', join(examples, 'openai-batch.jsonl'), '--provider', 'openai', '--wait')
  expect(native.code, native.stderr).toBe(0)
})

test('following prints each answer once, and ends with the job', async () => {
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: 500 })
  const id = await submitted(
    writeItems(
      'follow.jsonl',
      items(5, (index) => (index === 2 ? 'Say. [[simulate:transient times=1]]' : `Say ${index}.`)),
    ),
  )
  const { code, stdout, stderr } = await run('results', id, '--follow')
  expect(code, stderr).toBe(0)
  const seqs = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq)
  expect(seqs.toSorted((left, right) => left - right)).toEqual([1, 2, 3, 4, 5])
})

test('Ctrl-C in an upload stops it, and nothing is kept', async () => {
  const uploading = start(['submit', '-', ...target, '--name', 'half'], null)
  uploading.child.stdin?.write(`${JSON.stringify({ prompt: 'first' })}\n`)
  await until('the upload to begin', async () => (await jobsNamed('half')).some(({ status }) => status === 'validating'))
  uploading.child.kill('SIGINT')
  expect(await uploading.ended).toMatchObject({ code: 130, stdout: '', stderr: 'Upload stopped; nothing of it is kept.\n' })
  await until('the upload to be forgotten', async () => (await jobsNamed('half')).length === 0)
})

test('whoever closes the pipe early ends it without an error', async () => {
  const id = await submitted(writeItems('pipe.jsonl', items(50)))
  await run('wait', id)
  const { child, ended } = start(['results', id])
  child.stdout?.destroy()
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
