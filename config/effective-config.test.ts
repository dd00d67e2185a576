import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatKey, listConfigKeys } from './config-keys.ts'
import { describeConfig, type Setting } from './effective-config.ts'
import type { Environment } from './environment.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-effective-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function describeHere(yaml: string | null, environment: Environment = {}): Record<string, Setting> {
  if (yaml !== null) writeFileSync(join(directory, 'batchwright.yaml'), yaml)
  return Object.fromEntries(describeConfig({ directory, environment }).settings.map((setting) => [setting.key, setting]))
}

test('without a file everything is a default, and each key is there once', () => {
  const settings = describeHere(null)
  expect(new Set(Object.values(settings).map(({ source }) => source))).toEqual(new Set(['default']))
  expect(settings).toMatchObject({
    'providers.openai.api_key': { value: 'not set' },
    'providers.anthropic.max_in_flight_batches': { value: 50 },
    'providers.gemini.polling.initial': { value: null, otherwise: 'that of all; simulated: 250ms' },
    'polling.initial': { value: '15s' },
    'retry.max_rounds': { value: 3 },
    'submission.settle_after': { value: '2m' },
    'defaults.model': { value: null, otherwise: 'none' },
    'webhooks.secret': { value: 'not set' },
    max_input_bytes: { value: 5_368_709_120 },
    'log.level': { value: 'info' },
    TEMPORAL_ADDRESS: { value: '127.0.0.1:7233' },
    DATABASE_URL: { value: 'not set' },
  })
  const expected = listConfigKeys().filter(({ path }) => path[0] !== 'models' && path[0] !== 'providers')
  for (const { path } of expected) expect(Object.keys(settings)).toContain(formatKey(path))
})

test('each value names what it is from: the file, a variable, or nothing', () => {
  const settings = describeHere(
    `providers:
  openai: { max_in_flight_batches: 3, polling: { max: 5m } }
  lab: { kind: openai, base_url: "https://lab.example/v1/?token=hidden", api_key: "\${LAB_KEY}" }
polling: { initial: 1s }
log: { level: warn }
models: { openai: { my-model: { type: chat } } }`,
    {
      LAB_KEY: 'sk-hidden',
      GOOGLE_API_KEY: 'hidden',
      LOG_LEVEL: 'debug',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
      PORT: '9000',
    },
  )
  expect(settings).toMatchObject({
    'providers.openai.max_in_flight_batches': { value: 3, source: 'file' },
    'providers.openai.polling.max': { value: '5m', source: 'file' },
    'providers.openai.base_url': { value: 'http://127.0.0.1:9/v1', source: 'environment', variable: 'OPENAI_BASE_URL' },
    'providers.openai.kind': { value: 'openai', source: 'default' },
    'providers.lab.kind': { value: 'openai', source: 'file' },
    'providers.lab.api_key': { value: 'set', source: 'file' },
    'providers.lab.base_url': { value: 'https://lab.example/v1', source: 'file' },
    'providers.gemini.api_key': { value: 'set', source: 'environment', variable: 'GOOGLE_API_KEY' },
    'polling.initial': { value: '1s', source: 'file' },
    'log.level': { value: 'debug', source: 'environment', variable: 'LOG_LEVEL' },
    'models.openai.my-model': { value: { type: 'chat' }, source: 'file' },
    PORT: { value: '9000', source: 'environment' },
  })
  expect(JSON.stringify(settings)).not.toContain('hidden')
})

test('what is simulated has its key and address from there', () => {
  const settings = describeHere('providers: { openai: { api_key: sk-real } }', {
    BATCHWRIGHT_SIMULATE: 'openai',
    BATCHWRIGHT_SIMULATOR_URL: 'http://127.0.0.1:4000',
  })
  expect(settings['providers.openai.base_url']).toMatchObject({
    value: 'http://127.0.0.1:4000/openai/v1',
    variable: 'BATCHWRIGHT_SIMULATE',
  })
})

test('every key is documented: what it is, its type, what holds without it, and an example that the schema takes', () => {
  for (const key of listConfigKeys()) {
    const name = formatKey(key.path)
    expect(key.description, name).toMatch(/\.$/)
    expect(key.type, name).toMatch(/^(text|URL|date|duration|number|whole number|list|list of .*|map.*|`.*)$/)
    expect(key.defaultValue !== undefined || key.otherwise !== '', name).toBe(true)
    if (name !== 'models.<kind>.<model>.prices') expect(key.example, name).toBeDefined()
  }
})
