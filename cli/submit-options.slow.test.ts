import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Job } from '../client/batchwright.ts'
import { startCliStack, type CliStack } from '../test/cli-stack.ts'
import { neutralItems } from './testing/cli-process.ts'

const target = ['-m', 'openai/gpt-4o-mini'] as const

let running: CliStack | undefined
let stack: CliStack['stack']
let cli: CliStack['cli']

beforeAll(async () => {
  running = await startCliStack({ simulator: { duration_ms: 50 } })
  ;({ stack, cli } = running)
})

afterAll(async () => {
  await running?.stop()
})

const jobsNamed = async (name: string) => JSON.parse((await cli.run('list', '--name', name, '--json')).stdout) as Job[]

test('--skip-invalid goes on without the bad lines, and writes them beside the input', async () => {
  const file = cli.writeLines('mixed.jsonl', [...neutralItems(3), '{"prompt": 5}', '{"prompt": "cut'])
  const { code, stdout, stderr } = await cli.run('submit', file, ...target, '--skip-invalid', '--json')
  expect(code, stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ counts: { total: 3 }, rejected_lines: 2 })
  const rejects = 'mixed.rejects.jsonl'
  expect(stderr).toContain(`2 lines left out, with the reason in ${rejects}`)
  const kept = readFileSync(join(cli.directory, rejects), 'utf8').trimEnd().split('\n')
  expect(kept.map((line) => JSON.parse(line))).toMatchObject([
    { line: 4, field: 'prompt', text: '{"prompt": 5}' },
    { line: 5, reason: expect.stringContaining('cut short'), text: '{"prompt": "cut' },
  ])
})

test('lines left out that can not be written are no reason to hide the job', async () => {
  const file = cli.writeLines('unwritable.jsonl', [...neutralItems(1), '{"prompt": 5}'])
  const run = await cli.run('submit', file, ...target, '--skip-invalid', '--rejects', 'no/such/folder/r.jsonl')
  expect(run.code).toBe(0)
  expect(run.stdout).toMatch(/^[2-9a-hjkmnp-z]{12}\n$/)
  expect(run.stderr).toContain('/rejects')
})

test('--dry-run prints the first line as its provider would get it, and stores nothing', async () => {
  const file = cli.writeLines('dry.jsonl', neutralItems(7))
  const run = await cli.run('submit', file, ...target, '--name', 'dry', '--limit', '5', '--max-batch-requests', '2', '--dry-run')
  expect(run.code, run.stderr).toBe(0)
  expect(JSON.parse(run.stdout)).toMatchObject({ method: 'POST', body: { model: 'gpt-4o-mini' } })
  expect(run.stderr).toMatch(/^5 items for openai\/gpt-4o-mini: 3 batches, /m)
  expect(await jobsNamed('dry')).toEqual([])
  const json = await cli.run('submit', file, ...target, '--dry-run', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({ items: 7, batches: 1 })
  expect(existsSync(join(cli.directory, 'dry.rejects.jsonl'))).toBe(false)
})

test('--if-exists: error is exit 1 and names the job, attach waits for it', async () => {
  const file = cli.writeLines('named.jsonl', neutralItems(2))
  const first = (await cli.run('submit', file, ...target, '--name', 'once', '--if-exists', 'error')).stdout.trim()
  const refused = await cli.run('submit', file, ...target, '--name', 'once', '--if-exists', 'error')
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toContain(first)
  const attached = await cli.run('submit', file, ...target, '--name', 'once', '--if-exists', 'attach', '--wait')
  expect(attached).toMatchObject({ code: 0, stdout: `${first}\n` })
  expect(await jobsNamed('once')).toHaveLength(1)
})

test('--spec is a whole job; its file lies beside it, and options win over it', async () => {
  const spec = fileURLToPath(new URL('../examples/reviews.yaml', import.meta.url))
  const { code, stdout, stderr } = await cli.run(
    'submit',
    '--spec',
    spec,
    '--name',
    'from-spec',
    '--limit',
    '3',
    '--tag',
    'x=y',
    '--json',
  )
  expect(code, stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'from-spec',
    model: 'gpt-5-mini',
    tags: { team: 'shop', x: 'y' },
    counts: { total: 3 },
    spec: { max_tokens: 200, prompt: 'Positive or negative? {{text}}' },
  })
})

test('what did not succeed as input, and the items of another job', async () => {
  const file = cli.writeLines('again.jsonl', neutralItems(4))
  const first = (await cli.run('submit', file, ...target, '--system', 'Be brief.', '--wait')).stdout.trim()
  await stack.db.database
    .sql`update outcomes set status = 'failed', error_class = 'unknown', error = '{}' where job_id = ${first} and seq = 2`
  const input = await cli.run('results', first, '--failed-as-input')
  expect(input.stdout).toBe(`${JSON.stringify(neutralItems(4)[1])}\n`)
  const copy = await cli.run('submit', '--from', first, '-m', 'openai/gpt-5-mini', '--json')
  expect(copy.code, copy.stderr).toBe(0)
  expect(JSON.parse(copy.stdout)).toMatchObject({ model: 'gpt-5-mini', counts: { total: 4 }, spec: { system: 'Be brief.' } })
  expect(await cli.run('submit', file, '--from', first)).toMatchObject({ code: 2, stdout: '' })
  expect(await cli.run('results', first, '--failed-as-input', '--raw')).toMatchObject({ code: 2, stdout: '' })
})

test.for([
  ['no file at all', ['submit', ...target], /which items/],
  ['a spec that is not there', ['submit', '--spec', 'none.yaml'], /can't read none\.yaml \(ENOENT\)/],
  ['a spec with a field that is none', ['submit', '--spec', 'typo.yaml'], /typo\.yaml.*modle.*is not a field/],
  ['a spec with a wrong value', ['submit', '--spec', 'wrong.yaml'], /wrong\.yaml: max_tokens: /],
  ['a spec without a file', ['submit', '--spec', 'fileless.yaml'], /names no file/],
  ['--rejects alone', ['submit', 'one.jsonl', ...target, '--rejects', 'r.jsonl'], /add --skip-invalid/],
  ['--if-exists without a name', ['submit', 'one.jsonl', ...target, '--if-exists', 'attach'], /add --name/],
  ['--dry-run with --wait', ['submit', 'one.jsonl', ...target, '--dry-run', '--wait'], /leave one out/],
  ['--limit 0', ['submit', 'one.jsonl', ...target, '--limit', '0'], /--limit: give a whole number from 1/],
] as const)('%s: one line, exit 2', async ([_what, args, message]) => {
  cli.writeLines('one.jsonl', neutralItems(1))
  cli.writeLines('typo.yaml', ['modle: gpt-4o-mini', 'file: one.jsonl'])
  cli.writeLines('wrong.yaml', ['max_tokens: many', 'file: one.jsonl'])
  cli.writeLines('fileless.yaml', ['model: gpt-4o-mini'])
  const { code, stdout, stderr } = await cli.run(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
  expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
})
