import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ProviderCheck } from '../api/contracts/providers.ts'
import type { Provider } from '../client/batchwright.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { insertBatch, insertJob } from './job-rows.ts'
import { startCliStack, type CliStack } from './cli-stack.ts'
import { afterwards } from './services.ts'

// `batchwright providers` and `providers check` against a real API and worker; the providers are the simulator and what is not there.

let running: CliStack | undefined
let stack: CliStack['stack']
let cli: CliStack['cli']

const yaml = `providers:
  lab: { kind: openai, api_key: sk-lab, base_url: "http://127.0.0.1:2/v1" }
  idle: { kind: openai, api_key: sk-idle, base_url: "http://127.0.0.1:2/v1?token=hidden" }
  off: { kind: anthropic, enabled: false, api_key: k, base_url: "http://127.0.0.1:2" }
  web: { kind: openai, api_key: sk-web, base_url: "\${WEB_URL}" }
`

beforeAll(async () => {
  const page = createServer((_request, response) => void response.writeHead(404).end('<html>nothing here</html>'))
  page.listen(0, '127.0.0.1')
  await once(page, 'listening')
  const webUrl = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
  running = await startCliStack({ yaml, environment: { WEB_URL: webUrl } })
  ;({ stack, cli } = running)
  return () => void page.close()
})

afterAll(async () => {
  await running?.stop()
})

beforeEach(async () => await simulatorControl(stack.simulator.url).clearFaults())

async function check(name: string): Promise<{ code: number | null; found: ProviderCheck }> {
  const { code, stdout, stderr } = await cli.run('providers', 'check', name, '--json')
  expect(stderr).toBe('')
  return { code, found: (JSON.parse(stdout) as ProviderCheck[])[0] as ProviderCheck }
}

test('a provider that answers: exit 0', async () => {
  expect(await check('openai')).toMatchObject({
    code: 0,
    found: { provider: 'openai', simulated: true, ok: true, problem: null, detail: null, took_ms: expect.any(Number) },
  })
  const { code, stdout } = await cli.run('providers', 'check', 'openai')
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ok +openai +answered in \d+ ms \(simulated\)\n$/) })
})

test('a refused key: what to set, exit 1', async () => {
  await simulatorControl(stack.simulator.url).addFault('batches.list:status:status=401,times=always')
  const { code, stdout } = await cli.run('providers', 'check', 'openai')
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: expect.stringMatching(/^fail +openai +the key was refused.*OPENAI_API_KEY/),
  })
})

test('a provider that is down for a moment', async () => {
  await simulatorControl(stack.simulator.url).addFault('batches.list:status:status=503,times=always')
  expect(await check('openai')).toMatchObject({
    code: 1,
    found: { problem: 'unavailable', detail: expect.stringContaining('again') },
  })
})

test('an address at which nobody listens', async () => {
  const { code, found } = await check('lab')
  expect({ code, found }).toMatchObject({
    code: 1,
    found: { problem: 'unreachable', detail: expect.stringContaining('base_url') },
  })
})

test('an address at which there is something else', async () => {
  expect(await check('web')).toMatchObject({
    code: 1,
    found: { problem: 'wrong_address', detail: expect.stringContaining('base_url') },
  })
})

test('one without a key, one that is switched off, and one that does not exist', async () => {
  expect(await check('anthropic')).toMatchObject({
    code: 1,
    found: { problem: 'unconfigured', detail: expect.stringContaining('ANTHROPIC_API_KEY'), took_ms: null },
  })
  expect(await check('off')).toMatchObject({
    code: 1,
    found: { problem: 'unconfigured', detail: expect.stringContaining('enabled') },
  })
  expect(await cli.run('providers', 'check', 'opanai')).toMatchObject({ code: 2, stderr: expect.stringContaining('"openai"?') })
})

test('without a name all configured ones are tried, and one that fails makes it fail', async () => {
  const { code, stdout } = await cli.run('providers', 'check')
  expect(code).toBe(1)
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/).slice(0, 2).join(' ')),
  ).toEqual(['fail lab', 'fail idle', 'fail web', 'ok openai'])
})

test('the list says what is configured, served and open, and shows no secret', async () => {
  const { database } = stack.db
  const jobId = await insertJob(database, 3)
  await insertBatch(database, jobId, 3)
  await insertJob(database, 1, { simulated: false })
  await insertJob(database, 1, { provider: 'gone', simulated: false })
  afterwards(() => database.sql`delete from jobs`)
  const { stdout } = await cli.run('providers', '--json')
  expect(stdout).not.toContain('hidden')
  const rows = Object.fromEntries((JSON.parse(stdout) as Provider[]).map((provider) => [provider.name, provider]))
  expect(rows).toMatchObject({
    openai: { status: 'simulated', served: true, open_jobs: 1, open_batches: 1, open_jobs_of_other_form: 1 },
    anthropic: { status: 'unconfigured', served: false, open_jobs: 0, base_url: null },
    lab: { kind: 'openai', status: 'configured', served: true, base_url: 'http://127.0.0.1:2/v1' },
    off: { status: 'disabled', served: false },
    gone: { kind: null, status: 'removed', open_jobs: 1 },
  })
  const table = await cli.run('providers')
  expect(table.stdout).toMatch(/^PROVIDER +KIND +STATUS +WORKER +OPEN_JOBS/)
  expect(table.stderr).toContain("openai: 1 real job can't go on while it is simulated")
  expect(table.stderr).toContain('gone: 1 open job of a provider that is not configured any more')
})

test('no worker takes the call: said within the time, exit 1', async () => {
  // It has announced itself and is gone without a word, as after a kill.
  await stack.db.database.sql`update workers set provider = 'anthropic', simulated = false where provider = 'idle'`
  const { code, found } = await check('anthropic')
  expect({ code, found }).toMatchObject({ code: 1, found: { problem: 'no_worker', took_ms: null } })
  expect(found.detail).toContain('ANTHROPIC_API_KEY')
})

test('without any worker at all it says so at once', async () => {
  await stack.db.database.sql`delete from workers`
  const { code, found } = await check('lab')
  expect({ code, found }).toMatchObject({
    code: 1,
    found: { problem: 'no_worker', detail: expect.stringContaining('batchwright worker') },
  })
})
