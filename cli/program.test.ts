import { PassThrough } from 'node:stream'
import type { Command } from 'commander'
import { beforeEach, expect, test } from 'vitest'
import { Batchwright } from '../client/batchwright.ts'
import { startScriptedServer } from '../client/testing/scripted-server.ts'
import type { Cli } from './cli.ts'
import { commandGroups, examplesOf, withSubcommands } from './command.ts'
import { createProgram, runCli } from './program.ts'

let cli: Cli
let stdout: string
let stderr: string

beforeEach(() => {
  stdout = ''
  stderr = ''
  cli = {
    stdout: capture((text) => (stdout += text)),
    stderr: capture((text) => (stderr += text)),
    stdin: new PassThrough() as unknown as NodeJS.ReadStream,
    // Nothing listens on port 2.
    client: () => new Batchwright({ url: 'http://127.0.0.1:2' }),
    exitCode: 0,
  }
})

function capture(onText: (text: string) => void): NodeJS.WriteStream {
  const stream = new PassThrough({ decodeStrings: false })
  stream.on('data', (chunk: Buffer | string) => onText(chunk.toString()))
  return stream as unknown as NodeJS.WriteStream
}

async function run(...args: string[]): Promise<number> {
  const code = await runCli(cli, args)
  await new Promise((resolve) => setImmediate(resolve))
  return code
}

/** As a shell splits it, up to a redirection. */
function wordsOf(line: string): string[] {
  return [...line.replace(/ [<|] .*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
}

test('every command has examples that its own parser takes, and says what it is for', async () => {
  for (const { name, command } of await allCommands()) {
    expect(examplesOf(command).length, name).toBeGreaterThan(0)
    expect(command.summary(), name).not.toBe('')
    for (const example of examplesOf(command)) await expectParses(example)
  }
})

async function allCommands(program?: Command) {
  return (program ?? (await createProgram(cli))).commands.flatMap((command) => withSubcommands(command))
}

async function expectParses(example: string): Promise<void> {
  const program = await createProgram(cli)
  let parsed: string | undefined
  for (const { name, command } of await allCommands(program)) command.action(() => void (parsed = name))
  await program.parseAsync(wordsOf(example), { from: 'user' })
  expect(example.startsWith(parsed ?? 'none'), example).toBe(true)
}

test('the commands are those of the design that exist so far', async () => {
  const names = (await createProgram(cli)).commands.map((command: Command) => command.name())
  const jobCommands =
    'compare submit append start status watch wait list items batches results cancel pause resume poll retry delete events costs'
  const otherCommands = 'models providers config doctor up api worker migrate simulator'
  expect(names.toSorted()).toEqual([...jobCommands.split(' '), ...otherCommands.split(' ')].toSorted())
})

test('every command has --json', async () => {
  const without = (await allCommands()).filter(({ command }) => !command.options.some((option) => option.long === '--json'))
  expect(without.map(({ name }) => name)).toEqual([])
})

test('the help of a command opens with its examples', async () => {
  expect(await run('submit', '--help')).toBe(0)
  expect(stdout).toMatch(/^Examples:\n {2}batchwright submit examples\/support-tickets\.jsonl -m openai\/gpt-5-mini/)
  expect(stderr).toBe('')
})

test('the help of all names the groups and the exit codes', async () => {
  const groups = (await createProgram(cli)).commands.map((command) => command.helpGroup())
  expect(new Set(groups)).toEqual(new Set(commandGroups.map((group) => `${group}:`)))
  expect(await run('--help')).toBe(0)
  for (const group of commandGroups) expect(stdout).toContain(`\n${group}:\n`)
  expect(stdout).toContain('3 finished with failed items')
})

test('the help of the simulator explains how to rehearse failures', async () => {
  expect(await run('help', 'simulator')).toBe(0)
  expect(stdout).toContain('How to rehearse failures')
  expect(stdout).toContain('--fault batches.create:accept_then_drop')
})

test('no command at all: the help, as a mistake', async () => {
  expect(await run()).toBe(2)
  expect(stderr).toContain('Usage: batchwright COMMAND')
})

test.for([
  [['sumbit', 'x'], "unknown command 'sumbit' (did you mean submit?)"],
  [['list', '--statsu', 'failed'], "unknown option '--statsu' (did you mean --status?)"],
  [['list', '--status', 'complete'], '(did you mean "completed"?)'],
  [['status'], "missing required argument 'JOB'"],
  [['submit', 'package.json', '-m', 'gpt-5-mini'], 'Write it like openai/gpt-5-mini.'],
  [['submit', 'package.json', '-m', 'openai/x', '--model', 'y'], 'leave out --provider and --model'],
  [['submit', 'package.json', '--temperature', '3'], '--temperature: give a number from 0 to 2'],
  [['submit', 'package.json', '--backoff', 'soon'], '--backoff: is not a duration'],
  [['submit', 'package.json', '--poll-max', 'x'], '--poll-max: is not a duration'],
  [['submit', 'package.json', '--max-rounds', '0'], '--max-rounds: give a whole number from 1 to 20'],
  [['submit', 'package.json', '--max-tokens', '1.5'], '--max-tokens: give a whole number from 1'],
  [['submit', 'package.json', '--max-batch-bytes', '-1'], '--max-batch-bytes: give a whole number from 1'],
  [['submit', 'package.json', '--tag', 'team'], 'Write it like team=support.'],
  [['submit', 'package.json', '--schema', 'no-such.json'], "--schema: can't read no-such.json (ENOENT)"],
  [['submit', 'package.json', '--schema', '{"type":'], '--schema: this is not JSON'],
  [
    ['submit', 'package.json', '--schema', '{"type":"object","properties":{"a":{},"a":{}}}'],
    '--schema: in this, properties.a is there twice in one object',
  ],
  [['submit', 'package.json', '--timeout', '5m'], 'add --wait'],
  [['submit', 'package.json', '--wait', '--timeout', '5 minutes'], 'is not a duration'],
  [['submit', 'no-such-file.jsonl', '-m', 'openai/x'], 'there is no file no-such-file.jsonl'],
  [['results', 'x', '--raw', '--format', 'csv'], '--raw writes JSON lines: leave out --format csv'],
  [['results', 'x', '--follow', '--raw'], '--raw and --follow do not go together'],
  [['items', 'x', '--limit', '0'], 'Give a whole number from 1.'],
  [['providers', 'chekc'], 'too many arguments'],
  [['providers', 'check', 'openai', '--jsno'], '(did you mean --json?)'],
  [['config', '--check', 'no-such.yaml'], 'no-such.yaml: there is no such file'],
  [['models', '--limit', '0'], 'Give a whole number from 1.'],
  [['up', '--port', '99999'], 'Give a port'],
] as const)('%j is refused as usage, on one line', async ([args, message]) => {
  expect(await run(...args)).toBe(2)
  expect(stderr).toContain(message)
  expect(stderr).toMatch(/^batchwright: [^\n]+\n$/)
  expect(stdout).toBe('')
})

test('a page in the place of the API: one line, exit 1', async () => {
  const server = await startScriptedServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
  })
  cli = { ...cli, client: () => new Batchwright({ url: server.url }) }
  for (const args of [['list'], ['status', 'k7m2x9qd4hta'], ['submit', 'package.json', '-m', 'openai/x']]) {
    stderr = ''
    expect(await run(...args)).toBe(1)
    expect(stderr).toBe(`batchwright: ${server.url} answered 200 OK, and not as Batchwright does: check BATCHWRIGHT_URL\n`)
  }
  await server.close()
})

test.for(['http://127.0.0.1:6000', 'http://127.0.0.1:99999'])('%s is no place for an API: one line', async (url) => {
  cli = { ...cli, client: () => new Batchwright({ url }) }
  expect(await run('list')).toBeGreaterThan(0)
  expect(stderr).toMatch(/^batchwright: [^\n]*BATCHWRIGHT_URL[^\n]*\n$/)
})

test('an address with a password in it is refused without the password', async () => {
  cli = { ...cli, client: () => new Batchwright({ url: 'http://me:hidden@127.0.0.1:2' }) }
  expect(await run('list')).toBe(2)
  expect(stderr).toMatch(/^batchwright: BATCHWRIGHT_URL must not have a user or password[^\n]*\n$/)
  expect(stderr).not.toContain('hidden')
})

test('an API that is not there: one line, exit 1, as JSON where asked', async () => {
  expect(await run('list')).toBe(1)
  expect(stderr).toBe(
    'batchwright: Batchwright is not reachable at http://127.0.0.1:2: start it with `batchwright up`, or set BATCHWRIGHT_URL\n',
  )
  stderr = ''
  expect(await run('list', '--json')).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'unreachable' } })
  expect(stdout).toBe('')
})
