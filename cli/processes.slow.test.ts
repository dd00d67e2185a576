import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { afterwards, claimNamespace, createTestDatabase } from '../test/services.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
let directory: string
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'batchwright-processes-'))))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function start(args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr })) }
}

async function run(args: readonly string[], environment?: Record<string, string>) {
  return await start(args, environment).ended
}

test('migrate brings an empty database and a namespace up to date, twice without harm', async () => {
  const [db, namespace] = await Promise.all([createTestDatabase(), claimNamespace()])
  afterwards(async () => await db.drop())
  await db.database.sql.unsafe('drop schema public cascade; create schema public; drop schema if exists drizzle cascade')
  const environment = { DATABASE_URL: db.url, TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: namespace }
  for (let time = 1; time <= 2; time++) {
    const { code, stderr } = await run(['migrate'], environment)
    expect(code, stderr).toBe(0)
    expect(stderr).toBe(`Database: up to date\nTemporal: search attributes are registered in namespace "${namespace}"\n`)
  }
  expect(await db.database.sql`select count(*)::int as jobs from jobs`).toEqual([{ jobs: 0 }])
})

test('migrate where Temporal is not brings the database up to date and says in one line what is left to do', async () => {
  const db = await createTestDatabase()
  afterwards(async () => await db.drop())
  const { code, stdout, stderr } = await run(['migrate'], { DATABASE_URL: db.url, TEMPORAL_ADDRESS: '127.0.0.1:1' })
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  const [database, temporal, ...more] = stderr.trimEnd().split('\n')
  expect(database).toBe('Database: up to date')
  expect(temporal).toMatch(/^Temporal at 127\.0\.0\.1:1 is not reachable, .* run `batchwright migrate` again when it is there$/)
  expect(more).toEqual([])
})

test('the simulator says where it listens, and stops at SIGTERM', async () => {
  const { child, ended } = start(['simulator', '--duration', '1s', '--fault', 'items:transient:rate=0.5', '--json'])
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { url } = JSON.parse(line) as { url: string }
  const options = (await (await fetch(`${url}/_simulator/options`)).json()) as { duration_ms: number; item_faults: object[] }
  expect(options).toMatchObject({ duration_ms: 1000, item_faults: [{ kind: 'transient', rate: 0.5 }] })
  child.kill('SIGTERM')
  expect((await ended).code).toBe(0)
})

test.for([
  ['migrate without a database', ['migrate'], {}, 1, 'DATABASE_URL is not set'],
  [
    'migrate where Postgres is not',
    ['migrate'],
    { DATABASE_URL: 'postgres://a:b@127.0.0.1:2/c' },
    1,
    "can't be migrated: connect ECONNREFUSED",
  ],
  ['a worker without a database', ['worker'], {}, 1, 'DATABASE_URL is not set'],
  ['an API without a database', ['api'], {}, 1, 'DATABASE_URL is not set'],
  ['an API for everybody without a key', ['api', '--host', '0.0.0.0'], {}, 1, 'set BATCHWRIGHT_API_KEY'],
  ['an unknown key in the config', ['api', '--config', 'wrong.yaml'], {}, 1, 'did you mean "initial"?'],
  [
    'up with an unknown provider',
    ['up', '--simulate=opnai'],
    {},
    2,
    '--simulate: there is no provider "opnai" (did you mean "openai"?)',
  ],
  ['a duration that is none', ['simulator', '--duration', 'soon'], {}, 2, '--duration: "soon" is not a duration'],
  ['a fault that does not exist', ['simulator', '--fault', 'items:nonsense'], {}, 2, 'no item fault "nonsense"'],
] as const)('%s: one line', async ([, args, environment, code, message]) => {
  writeFileSync(join(directory, 'wrong.yaml'), 'polling: { inital: 5s }\n')
  const ended = await run(args, environment)
  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toContain(message)
  expect(ended.stderr).toMatch(/^batchwright: [^\n]+\n$/)
})

test('a taken port is said', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(async () => {
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  const { code, stderr } = await run(['simulator', '--port', String(port)])
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `batchwright: port ${port} is taken: leave out --port to take any free one\n`,
  })
})
