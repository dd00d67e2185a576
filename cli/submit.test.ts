import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Job } from '../client/batchwright.ts'
import { startCliStack, type CliStack } from '../test/cli-stack.ts'
import { until } from '../test/services.ts'
import { neutralItems } from './testing/cli-process.ts'

// What goes into a job, and how mistakes are told: the command in a process of its own, against a real API, worker, database and Temporal.

const target = ['-m', 'openai/gpt-4o-mini'] as const

let running: CliStack | undefined
let stack: CliStack['stack']
let api: CliStack['api']
let cli: CliStack['cli']

beforeAll(async () => {
  running = await startCliStack({ simulator: { duration_ms: 50 } })
  ;({ stack, api, cli } = running)
})

afterAll(async () => {
  await running?.stop()
})

const examples = fileURLToPath(new URL('../examples/', import.meta.url))

async function submitted(file: string, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli.run('submit', file, ...target, ...options)
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^[2-9a-hjkmnp-z]{12}\n$/)
  return stdout.trim()
}

async function jobsNamed(name: string): Promise<Job[]> {
  return JSON.parse((await cli.run('list', '--name', name, '--json')).stdout) as Job[]
}

test('wrong lines: the first ten and how many there are, and nothing is kept', async () => {
  const lines = neutralItems(14).map((item, index) => (index < 2 ? item : { ...item, prompt: 5 }))
  const file = cli.writeLines('wrong.jsonl', [...lines, '{"prompt": "cut'])
  const { code, stdout, stderr } = await cli.run('submit', file, ...target, '--name', 'wrong')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const told = stderr.trimEnd().split('\n')
  expect(told).toHaveLength(12)
  expect(told[0]).toMatch(/^batchwright: /)
  expect(told[1]).toMatch(/^line 3: field prompt: /)
  expect(told[11]).toBe('… 13 errors in all')
  expect((await cli.run('list', '--name', 'wrong')).stdout).toBe('')
})

test.for([
  ['a model', ['submit', 'one.jsonl', '-m', 'opnai/gpt-4o-mini'], 2, /opnai.*did you mean "openai"/],
  ['a job', ['status', 'k7m2x9qd4hta'], 1, /there is no job/],
] as const)('an unknown name of %s is told in one line', async ([, args, code, message]) => {
  cli.writeLines('one.jsonl', neutralItems(1))
  const ended = await cli.run(...args)
  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(message)
  expect(ended.stderr).toMatch(/^batchwright: [^\n]+\n$/)
})

test('no model at all: one line, exit 2', async () => {
  const file = cli.writeLines('no-model.jsonl', neutralItems(3))
  for (const args of [[file], [file, '--provider', 'openai'], [file, '--name', 'x']]) {
    expect(await cli.run('submit', ...args)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'batchwright: which model? give -m PROVIDER/MODEL, for example -m openai/gpt-5-mini\n',
    })
  }
})

test('two jobs of one name: both are listed, the id decides', async () => {
  const file = cli.writeLines('twice.jsonl', neutralItems(1))
  const ids = [await submitted(file, '--name', 'twice'), await submitted(file, '--name', 'twice')]
  const { code, stderr } = await cli.run('status', 'twice')
  expect(code).toBe(2)
  for (const id of ids) expect(stderr).toContain(id)
  expect(stderr).toMatch(/^batchwright: "twice" names more than one job: [^\n]+\n$/)
})

test('items from standard input; the same key and content give the same job', async () => {
  const input = `${neutralItems(2)
    .map((item) => JSON.stringify(item))
    .join('\n')}\n`
  const args = ['submit', '-', ...target, '--idempotency-key', 'nightly-1', '--json']
  const first = await cli.start(args, input).ended
  expect(first.code, first.stderr).toBe(0)
  const second = await cli.start(args, input).ended
  expect((JSON.parse(second.stdout) as Job).id).toBe((JSON.parse(first.stdout) as Job).id)
  expect(await cli.start(args, `${input}{"prompt":"more"}\n`).ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^\{"error":\{"code":"idempotency_key_reused"/),
  })
})

test('the examples run as their README says', async () => {
  const schema = join(examples, 'support-tickets.schema.json')
  const tickets = await cli.run(
    'submit',
    join(examples, 'support-tickets.jsonl'),
    '-m',
    'openai/gpt-5-mini',
    '--schema',
    schema,
    '--wait',
  )
  expect(tickets.code, tickets.stderr).toBe(0)
  const first = JSON.parse((await cli.run('results', tickets.stdout.trim())).stdout.split('\n')[0] ?? '') as {
    custom_id: string
    output: unknown
    metadata: unknown
  }
  expect(first).toMatchObject({
    custom_id: 'ticket-0001',
    output: { category: expect.any(String) },
    metadata: { channel: expect.any(String) },
  })

  const reviews = await cli.run(
    'submit',
    join(examples, 'reviews.csv'),
    '-m',
    'openai/gpt-5-mini',
    '--prompt',
    'Is this review of a {{product}} good? {{text}}',
    '--wait',
  )
  expect(reviews.code, reviews.stderr).toBe(0)
  expect((await cli.run('results', reviews.stdout.trim())).stdout).toMatch(/^{"custom_id":"review-01",.*"metadata":{"stars":"5"}/)

  const native = await cli.run('submit', join(examples, 'openai-batch.jsonl'), '--provider', 'openai', '--wait')
  expect(native.code, native.stderr).toBe(0)
})

test('images and files of this machine go into their lines, found from the folder of the input', async () => {
  mkdirSync(join(cli.directory, 'pictures'))
  writeFileSync(join(cli.directory, 'pictures', 'cat.png'), 'a cat')
  writeFileSync(join(cli.directory, 'pictures', 'report.pdf'), 'a report')
  const parts = [
    { type: 'text', text: 'What is this?' },
    { type: 'image', path: 'cat.png' },
    { type: 'file', path: 'report.pdf' },
  ]
  const file = cli.writeLines('pictures/items.jsonl', [{ prompt: 'plain' }, { messages: [{ role: 'user', content: parts }] }])
  const sent = [
    parts[0],
    { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('a cat')}` } },
    { type: 'file', file: { filename: 'report.pdf', file_data: `data:application/pdf;base64,${btoa('a report')}` } },
  ]
  const named = await cli.run('submit', file, ...target, '--keep-provider-files', '--wait')
  expect(named.code, named.stderr).toBe(0)
  expect(await sentContents(named.stdout.trim())).toEqual(['plain', sent])

  // From standard input there is no folder but the one that the command runs in.
  const input = JSON.stringify({
    prompt: [
      { type: 'text', text: 'And this?' },
      { type: 'image', path: 'pictures/cat.png' },
    ],
  })
  const piped = await cli.start(['submit', '-', ...target, '--keep-provider-files', '--wait'], input).ended
  expect(piped.code, piped.stderr).toBe(0)
  expect(await sentContents(piped.stdout.trim())).toEqual([[{ type: 'text', text: 'And this?' }, sent[1]]])
})

test('a local file that is not there ends the upload: line, field and path, and nothing is kept', async () => {
  const lines = [{ prompt: 'good' }, { prompt: [{ type: 'image', path: 'no-such.png' }] }]
  const file = cli.writeLines('missing.jsonl', lines)
  const missing = join(cli.directory, 'no-such.png')
  expect(await cli.run('submit', file, ...target, '--name', 'missing')).toEqual({
    code: 1,
    stdout: '',
    stderr: `batchwright: line 2: prompt[0].path: there is no file ${missing}\n`,
  })
  await until('the upload to be forgotten', async () => (await jobsNamed('missing')).length === 0)
})

test('the API itself reads no file, whoever asks it to', async () => {
  const items = [{ prompt: [{ type: 'image', path: fileURLToPath(import.meta.url) }] }]
  const response = await fetch(`${api.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ provider: 'openai', model: 'gpt-4o-mini', items }),
  })
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({
    code: 'invalid_input',
    errors: [{ line: 1, field: 'prompt[0].path', reason: expect.stringContaining('local files are not read') }],
  })
})

/** What the provider got of each item of a job, in the order of its file. */
async function sentContents(jobId: string): Promise<unknown[]> {
  const provider = new OpenAI({ apiKey: 'simulated', baseURL: stack.simulator.baseUrls.openai })
  const { data } = await provider.batches.list()
  const batch = data.find(({ metadata }) => metadata?.['batchwright']?.startsWith(`job-${jobId}-`))
  const lines = (await (await provider.files.content(batch?.input_file_id ?? '')).text()).trimEnd().split('\n')
  return lines.map((line) => (JSON.parse(line) as { body: { messages: Array<{ content: unknown }> } }).body.messages[0]?.content)
}

test('Ctrl-C in an upload stops it, and nothing is kept', async () => {
  const uploading = cli.start(['submit', '-', ...target, '--name', 'half'], null)
  uploading.child.stdin?.write(`${JSON.stringify({ prompt: 'first' })}\n`)
  await until('the upload to begin', async () => (await jobsNamed('half')).some(({ status }) => status === 'validating'))
  uploading.child.kill('SIGINT')
  expect(await uploading.ended).toMatchObject({ code: 130, stdout: '', stderr: 'Upload stopped; nothing of it is kept.\n' })
  await until('the upload to be forgotten', async () => (await jobsNamed('half')).length === 0)
})
