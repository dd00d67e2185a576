import { createServer } from 'node:http'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'

import { afterwards, createTestDatabase } from '../test/services.ts'
import { diagnose, type DoctorOptions } from './doctor.ts'
import { findFreePort } from './free-port.ts'
import type { Finding } from './finding.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-doctor-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function findings(environment: NodeJS.ProcessEnv, options: Partial<DoctorOptions> = {}): Promise<Record<string, Finding>> {
  const found = await diagnose({
    environment: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    directory,
    dataDir: join(directory, 'data'),
    port: await findFreePort(),
    ...options,
  })
  for (const { status, remedy } of found) expect(remedy === null).toBe(status === 'ok')
  return Object.fromEntries(found.map((finding) => [finding.name, finding]))
}

/** What answers HTTP on a free port of this machine. */
async function serve(answer: (path: string) => { status: number; body: string }): Promise<number> {
  const server = createServer((request, response) => {
    const { status, body } = answer(request.url ?? '')
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(async () => void server.close())
  return (server.address() as AddressInfo).port
}

const part = { ready: true, detail: null }
const ready = JSON.stringify({ ready: true, postgres: part, temporal: part, worker: part })

test('on a machine that has all of it, nothing fails and nothing is made', async () => {
  const found = await findings({ OPENAI_API_KEY: 'sk-hidden' })
  expect(Object.keys(found)).toEqual([
    'node',
    'configuration',
    'provider keys',
    'postgres',
    'temporal',
    'data directory',
    'ports',
    'service',
  ])
  expect(found).toMatchObject({
    node: { status: 'ok' },
    configuration: { status: 'ok', detail: expect.stringContaining('no batchwright.yaml') },
    'provider keys': { status: 'ok', detail: expect.stringContaining('openai') },
    postgres: { status: 'ok' },
    temporal: { status: 'ok' },
    'data directory': { status: 'ok', detail: expect.stringContaining('can be created') },
    ports: { status: 'ok' },
    service: { status: 'warn', remedy: expect.stringContaining('batchwright up') },
  })
  expect(JSON.stringify(found)).not.toContain('hidden')
  expect(existsSync(join(directory, 'data'))).toBe(false)
})

test('services of one’s own are tried', async () => {
  const db = await createTestDatabase()
  afterwards(() => db.drop())
  const own = { DATABASE_URL: db.url, TEMPORAL_ADDRESS: inject('temporalAddress') }
  expect(await findings(own)).toMatchObject({
    postgres: { status: 'ok', detail: expect.stringContaining('answers') },
    temporal: { status: 'ok', detail: expect.stringContaining('namespace default') },
  })
  const empty = new URL(inject('adminDatabaseUrl'))
  expect(
    await findings({ DATABASE_URL: empty.href, TEMPORAL_ADDRESS: own.TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE: 'nope' }),
  ).toMatchObject({
    postgres: { status: 'warn', remedy: expect.stringContaining('batchwright migrate') },
    temporal: { status: 'fail', detail: expect.stringContaining('nope') },
  })
  const away = await findings({ DATABASE_URL: 'postgres://me:hidden@127.0.0.1:2/db', TEMPORAL_ADDRESS: '127.0.0.1:2' })
  expect(away).toMatchObject({
    postgres: { status: 'fail', remedy: expect.stringContaining('DATABASE_URL') },
    temporal: { status: 'fail', remedy: expect.stringContaining('TEMPORAL_ADDRESS') },
  })
  expect(JSON.stringify(away)).not.toContain('hidden')
})

test('without a Temporal CLI it says what `up` would do, and does not do it', async () => {
  const cache = join(directory, 'cache')
  const found = await findings({ PATH: directory, XDG_CACHE_HOME: cache })
  expect(found['temporal']).toMatchObject({
    status: 'warn',
    detail: expect.stringMatching(/downloads it, and there is no Go/),
    remedy: expect.stringContaining('BATCHWRIGHT_TEMPORAL_CLI'),
  })
  expect(existsSync(cache)).toBe(false)
  const named = await findings({ BATCHWRIGHT_TEMPORAL_CLI: join(directory, 'no-such') })
  expect(named['temporal']).toMatchObject({ status: 'fail', remedy: expect.stringContaining('BATCHWRIGHT_TEMPORAL_CLI') })
})

test('a configuration that is wrong fails with what is wrong in it; a missing key is a warning', async () => {
  expect((await findings({}))['provider keys']).toMatchObject({ status: 'warn', remedy: expect.stringContaining('--simulate') })
  writeFileSync(join(directory, 'batchwright.yaml'), 'provders: {}')
  expect((await findings({}))['configuration']).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('did you mean "providers"?'),
    remedy: expect.stringContaining('--check'),
  })
})

test('an old Node fails', async () => {
  expect((await findings({}, { nodeVersion: '22.4.1' }))['node']).toMatchObject({ status: 'fail', detail: 'this is Node 22.4.1' })
})

test('a data directory that can not be one fails', async () => {
  writeFileSync(join(directory, 'file'), '')
  for (const dataDir of [join(directory, 'file'), join(directory, 'file', 'below')]) {
    expect((await findings({}, { dataDir }))['data directory'], dataDir).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('--data'),
    })
  }
  expect(readdirSync(directory)).toEqual(['file'])
})

test('a port that another program has fails', async () => {
  const port = await serve(() => ({ status: 200, body: '<html>' }))
  expect(await findings({}, { port })).toMatchObject({
    ports: { status: 'fail', remedy: expect.stringContaining('--port') },
    service: { status: 'fail', detail: expect.stringContaining('not Batchwright') },
  })
})

test('a service that is ready is fine, and its port is its own', async () => {
  const port = await serve((path) => (path === '/readyz' ? { status: 200, body: ready } : { status: 200, body: '{}' }))
  expect(await findings({}, { port })).toMatchObject({ ports: { status: 'ok' }, service: { status: 'ok' } })
})

test('a service that can not run jobs says what it lacks, one that asks for a key says so', async () => {
  const worker = { ready: false, detail: 'no worker polls Temporal' }
  const lacking = JSON.stringify({ ready: false, postgres: part, temporal: part, worker })
  const port = await serve(() => ({ status: 503, body: lacking }))
  expect(await findings({ BATCHWRIGHT_URL: `http://127.0.0.1:${port}` })).toMatchObject({
    service: { status: 'fail', detail: expect.stringContaining('worker: no worker polls Temporal') },
  })
  const guarded = await serve((path) => (path === '/readyz' ? { status: 200, body: ready } : { status: 401, body: '{}' }))
  expect(await findings({ BATCHWRIGHT_URL: `http://127.0.0.1:${guarded}` })).toMatchObject({
    service: { status: 'fail', remedy: expect.stringContaining('BATCHWRIGHT_API_KEY') },
  })
  expect(await findings({ BATCHWRIGHT_URL: 'http://127.0.0.1:2' })).toMatchObject({
    service: { status: 'fail', remedy: expect.stringContaining('BATCHWRIGHT_URL') },
  })
})
