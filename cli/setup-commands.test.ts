import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../api/main.ts'
import type { Model } from '../client/batchwright.ts'
import { createTestApi, type TestApi } from '../test/api.ts'
import { createCliRunner, type CliRunner } from './testing/cli-process.ts'

// What is known and configured: the command in a process of its own, against a real API.

let testApi: TestApi
let api: RunningApi
let cli: CliRunner

beforeAll(async () => {
  testApi = await createTestApi()
  api = await startApi(
    { ...testApi.config, api: { host: '127.0.0.1', port: 0, key: null } },
    { debug() {}, info() {}, warn() {}, error: console.error },
  )
  cli = createCliRunner({ BATCHWRIGHT_URL: api.url })
})

afterAll(async () => {
  await api?.stop()
  await testApi?.close()
  cli?.remove()
})

test('models: a table of what is known, with the prices of a batch before the others', async () => {
  const { code, stdout } = await cli.run('models', 'haiku-4-5', '--provider', 'anthropic')
  expect(code).toBe(0)
  const [title, ...rows] = stdout.trimEnd().split('\n')
  expect(title).toMatch(/^PROVIDER +MODEL +CONTEXT +OUTPUT +TAKES +BATCH +REALTIME +SINCE$/)
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatch(/^anthropic +claude-haiku-4-5 +200,000 +64,000 +.*schema tools.* 0\.5 \/ 2\.5 +1 \/ 5 +\d{4}-/)
})

test('models --json: all of them, as an array', async () => {
  const { code, stdout, stderr } = await cli.run('models', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const models = JSON.parse(stdout) as Model[]
  expect(models.length).toBeGreaterThan(50)
  expect((JSON.parse((await cli.run('models', '--limit', '3', '--json')).stdout) as Model[]).length).toBe(3)
})

test('models: nothing found is said, an unknown provider is a mistake', async () => {
  expect(await cli.run('models', 'no-such-model')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('No such'),
  })
  expect(await cli.run('models', '--provider', 'opanai')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean "openai"?'),
  })
})

test('doctor: a line each with what to do, exit 1 where something fails; as JSON where asked', async () => {
  // The API runs, and no worker does.
  const { code, stdout } = await cli.run('doctor')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^ok {4}node +Node \d+/m)
  expect(stdout).toMatch(/^fail {2}service .*can't run jobs: worker: no worker polls Temporal.*: start what is missing/m)
  const json = await cli.run('doctor', '--json')
  expect({ code: json.code, found: JSON.parse(json.stdout) }).toMatchObject({
    code: 1,
    found: { ok: false, checks: expect.arrayContaining([expect.objectContaining({ name: 'service', status: 'fail' })]) },
  })
})

test('doctor: warnings alone are exit 0', async () => {
  const alone = createCliRunner({ BATCHWRIGHT_URL: '' })
  const { code, stdout } = await alone.run('doctor', '--port', '0')
  alone.remove()
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^warn {2}provider keys .*--simulate/m) })
})
