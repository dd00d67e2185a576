import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCliRunner, type CliRunner } from './testing/cli-process.ts'

let cli: CliRunner
beforeAll(() => {
  // No service: nothing listens on port 2.
  cli = createCliRunner({ BATCHWRIGHT_URL: 'http://127.0.0.1:2', OPENAI_API_KEY: 'sk-hidden' })
})
afterAll(() => cli.remove())

function write(name: string, yaml: string): string {
  writeFileSync(join(cli.directory, name), yaml)
  return name
}

test('config: every key, its value and where it is from, without a service and without a secret', async () => {
  write('batchwright.yaml', 'providers: { openai: { max_in_flight_batches: 7 } }')
  const { code, stdout, stderr } = await cli.run('config')
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^KEY +VALUE +FROM\n/)
  expect(stdout).toMatch(/^providers\.openai\.api_key +set +OPENAI_API_KEY$/m)
  expect(stdout).toMatch(/^providers\.openai\.max_in_flight_batches +7 +file$/m)
  expect(stdout).toMatch(/^polling\.initial +15s +default$/m)
  expect(stderr).toContain('batchwright.yaml')
  expect(stdout + stderr).not.toContain('hidden')

  const json = JSON.parse((await cli.run('config', '--json')).stdout) as { file: string; settings: { key: string }[] }
  expect(json.file).toMatch(/batchwright\.yaml$/)
  expect(json.settings).toContainEqual({
    key: 'providers.openai.max_in_flight_batches',
    value: 7,
    source: 'file',
    variable: null,
    otherwise: null,
  })
})

test('config --check: a good file is exit 0', async () => {
  const file = write('good.yaml', 'log: { level: warn }')
  expect(await cli.run('config', '--check', file)).toEqual({ code: 0, stdout: 'good.yaml can be used.\n', stderr: '' })
  expect(JSON.parse((await cli.run('config', '--check', file, '--json')).stdout)).toEqual({ file, valid: true, errors: [] })
})

test('config --check: everything that is wrong, a line each, exit 2', async () => {
  const file = write('bad.yaml', 'provders: {}\nproviders: { openai: { api_key: "${NOT_THERE}" } }\npolling: { initial: soon }')
  const { code, stdout, stderr } = await cli.run('config', '--check', file)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr.trimEnd().split('\n')).toEqual([
    'batchwright: bad.yaml: providers.openai.api_key: the environment variable NOT_THERE is not set',
    expect.stringMatching(/^batchwright: bad\.yaml: polling\.initial: is not a duration/),
    'batchwright: bad.yaml: provders: unknown key (did you mean "providers"?)',
  ])
  const checked = await cli.run('config', '--check', file, '--json')
  expect(checked.code).toBe(2)
  expect(JSON.parse(checked.stdout)).toMatchObject({ valid: false, errors: { length: 3 } })
})
