import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Environment, loadConfig, requireDatabaseUrl, withoutProviderKeys } from './config.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-config-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function load(yaml: string | null, environment: Environment = {}) {
  if (yaml !== null) writeFileSync(join(directory, 'batchwright.yaml'), yaml)
  return loadConfig({ directory, environment })
}
const openai = (config: ReturnType<typeof load>) => config.providers.find((provider) => provider.name === 'openai')

describe('without a file', () => {
  test('everything has a default, and a provider without a key is unconfigured', () => {
    const config = load(null)
    expect(config).toMatchObject({
      file: null,
      databaseUrl: null,
      api: { host: '127.0.0.1', port: 8787, key: null },
      temporal: { address: '127.0.0.1:7233', namespace: 'default' },
      submission: { settleAfterMs: 120_000, sendWindowMs: 60_000 },
      maxInputBytes: 5_368_709_120,
      retention: { keepJobsMs: null, keepDraftsMs: 7 * 86_400_000 },
      logLevel: 'info',
    })
    expect(openai(config)).toMatchObject({
      configured: false,
      simulated: false,
      batch: true,
      maxInFlightBatches: 50,
    })
    expect(() => requireDatabaseUrl(config)).toThrow(/DATABASE_URL is not set/)
  })

  test('the environment configures OpenAI; a variable set to nothing is not set', () => {
    expect(openai(load(null, { OPENAI_API_KEY: 'sk-1', OPENAI_BASE_URL: 'http://localhost:9/v1' }))).toMatchObject({
      configured: true,
      baseUrl: 'http://localhost:9/v1',
    })
    expect(openai(load(null, { OPENAI_API_KEY: ' ' }))).toMatchObject({ configured: false })
  })

  test('of Gemini’s two variables its own wins, which its SDK would have otherwise', () => {
    const keyOf = (environment: Environment) =>
      load(null, environment)
        .providers.find(({ name }) => name === 'gemini')
        ?.apiKey?.reveal()
    expect(keyOf({ GEMINI_API_KEY: 'own', GOOGLE_API_KEY: 'any' })).toBe('own')
    expect(keyOf({ GOOGLE_API_KEY: 'any' })).toBe('any')
    expect(keyOf({})).toBeUndefined()
  })

  test.each([
    [{ PORT: '99999' }, /PORT must be a port number/],
    [{ LOG_LEVEL: 'inf' }, /LOG_LEVEL "inf" is unknown \(did you mean "info"\?\)/],
    [{ DATABASE_URL: 'mysql://user:hidden@host/db' }, /^DATABASE_URL must be a URL that starts with postgres:/],
    [
      { BATCHWRIGHT_SIMULATE: 'opnai', BATCHWRIGHT_SIMULATOR_URL: 'http://127.0.0.1:1' },
      /unknown provider "opnai" \(did you mean "openai"\?\)/,
    ],
    [{ OPENAI_BASE_URL: 'https://me:hidden@x.example/v1' }, /^OPENAI_BASE_URL must not have a user or password in it$/],
    [{ BATCHWRIGHT_SIMULATE: 'openai' }, /needs BATCHWRIGHT_SIMULATOR_URL/],
    [{ BATCHWRIGHT_CONFIG: '/nowhere/batchwright.yaml' }, /^\/nowhere\/batchwright\.yaml: there is no such file$/],
  ])('%o is refused', (environment, message) => {
    expect(() => load(null, environment)).toThrow(message)
  })
})

describe('a file', () => {
  test('sets what the environment does not, with variables expanded', () => {
    const config = load(
      [
        'providers:',
        '  openai: { api_key: "${MY_KEY}", max_in_flight_batches: 3, enqueued_tokens: { gpt-5-mini: 40000 }, polling: { initial: 1s } }',
        '  lab: { kind: openai, base_url: "http://${LAB}/v1", api_key: k, batch: false }',
        'submission: { settle_after: 3s }',
        'defaults: { provider: lab, model: m, max_tokens: 5 }',
        'webhooks: { url: https://example.com/hook, secret: whsec_x }',
        'log: { level: warn }',
      ].join('\n'),
      { MY_KEY: 'sk-file', OPENAI_API_KEY: 'sk-environment', LAB: 'lab.local' },
    )
    expect(openai(config)).toMatchObject({
      maxInFlightBatches: 3,
      enqueuedTokens: { 'gpt-5-mini': 40_000 },
      polling: { initial: '1s' },
    })
    expect(openai(config)?.apiKey?.reveal()).toBe('sk-file')
    expect(config.providers.find(({ name }) => name === 'lab')).toMatchObject({
      kind: 'openai',
      baseUrl: 'http://lab.local/v1',
      batch: false,
    })
    expect(config.submission.settleAfterMs).toBe(3000)
    expect(config.defaults).toMatchObject({ provider: 'lab', model: 'm', maxTokens: 5, temperature: null })
    expect(config.webhook?.secret?.reveal()).toBe('whsec_x')
    expect(config.logLevel).toBe('warn')
  })

  test('the simulator takes the place of a provider that has a key', () => {
    const config = load('providers: { openai: { api_key: sk-real, base_url: https://real.example/v1 } }', {
      BATCHWRIGHT_SIMULATE: 'openai',
      BATCHWRIGHT_SIMULATOR_URL: 'http://127.0.0.1:4000/',
    })
    expect(openai(config)).toMatchObject({ simulated: true, configured: true, baseUrl: 'http://127.0.0.1:4000/openai/v1' })
    expect(openai(config)?.apiKey?.reveal()).toBe('simulated')
  })

  test('no way of printing the configuration shows a secret', () => {
    const config = load('providers: { openai: { api_key: sk-hidden } }', {
      DATABASE_URL: 'postgres://u:pw-hidden@h/db',
      BATCHWRIGHT_API_KEY: 'key-hidden',
      TEMPORAL_API_KEY: 'temporal-hidden',
    })
    for (const shown of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      String(openai(config)?.apiKey),
    ]) {
      expect(shown).not.toContain('hidden')
    }
  })

  test.each([
    ['provders: {}', /provders: unknown key \(did you mean "providers"\?\)/],
    ['providers: { openai: { api_kye: x } }', /providers\.openai\.api_kye: unknown key \(did you mean "api_key"\?\)/],
    [
      'providers: { openai: { polling: { intial: 1s } } }',
      /providers\.openai\.polling\.intial: unknown key \(did you mean "initial"\?\)/,
    ],
    [
      'providers: { openai: { api_key: "${NOT_THERE}" } }',
      /providers\.openai\.api_key: the environment variable NOT_THERE is not set/,
    ],
    [
      'providers: { lab: { kind: opeani, base_url: "http://x/v1" } }',
      /providers\.lab\.kind: "opeani" is unknown \(did you mean "openai"\?\)/,
    ],
    ['providers: { lab: { base_url: "http://x/v1" } }', /providers\.lab\.kind: is missing/],
    ['providers: { lab: { kind: openai } }', /providers\.lab\.base_url: is missing/],
    // No name is near; the nearest would mislead.
    ['budgets: { month: 10 }', /budgets: unknown key \(there are: providers, polling, .*, log\)$/],
    [
      'providers: { openai: { realtime: { concurrency: 3 } } }',
      /providers\.openai\.realtime: unknown key \(there are: kind, api_key, .*, retry\)$/,
    ],
    ['retry: { rounds: 3 }', /retry\.rounds: unknown key \(there are: max_rounds, backoff\)$/],
    ['submission: { settle_after: soon }', /submission\.settle_after: is not a duration/],
    ['polling: { max: 0s }', /polling\.max: must be longer/],
    ['providers: { openai: { polling: { initial: 0ms } } }', /providers\.openai\.polling\.initial: must be longer/],
    ['submission: { send_window: 0s }', /submission\.send_window: must be longer/],
    ['max_input_bytes: lots', /max_input_bytes: invalid input: expected number/],
    ['defaults: { provider: opanai }', /defaults\.provider: there is no provider "opanai" \(did you mean "openai"\?\)/],
    ['providers: { lab: { kind: openai, base_url: "lab.example/v1" } }', /providers\.lab\.base_url: is not a URL/],
    [
      'providers: { lab: { kind: openai, base_url: "https://me:hidden@lab.example/v1" } }',
      /providers\.lab\.base_url: must not have a user or password in it(?!.*hidden)/,
    ],
    ['models: { opneai: {} }', /models\.opneai: unknown key \(did you mean "openai"\?\)/],
    ['models: { openai: { m: { typ: chat } } }', /models\.openai\.m\.typ: unknown key \(did you mean "type"\?\)/],
    ['models: { openai: { m: { type: chatty } } }', /models\.openai\.m\.type: expected one of .*did you mean "chat"/],
    [
      'models: { openai: { m: { prices: [{ from: 2026-01-01, realtime: { input: 0.15 }, batch: { input: "1" } }] } } }',
      /models\.openai\.m\.prices\[0\]\.realtime\.input: /,
    ],
    [
      'models: { openai: { m: { prices: [{ from: 2026-01-01, realtime: { input: free }, batch: { input: "1" } }] } } }',
      /quoted decimal/,
    ],
    [
      'models: { openai: { m: { prices: [{ from: yesterday, realtime: { input: "1" }, batch: { input: "1" } }] } } }',
      /prices\[0\]\.from/,
    ],
    [
      'providers: { a: {}, b: { kind: openai } }\nmax_input_bytes: 1',
      /providers\.a\.kind: is missing.*; providers\.b\.base_url: is missing/,
    ],
    [
      'providers: { openai: { api_key: "${NOT_THERE}", base_url: "${NOR_THIS}" } }\nlgo: {}',
      /NOT_THERE is not set; .*NOR_THIS is not set; lgo: unknown key/,
    ],
    ['providers: { openai: {\n  api_key: sk-hidden', /is not YAML: (?!.*hidden)/],
  ])('%s is refused', (yaml, message) => {
    expect(() => load(yaml)).toThrow(message)
  })
})

test('a process without need of provider keys forgets them, and still knows who is configured', () => {
  const config = withoutProviderKeys(loadConfig({ directory: '/nowhere', environment: { OPENAI_API_KEY: 'sk-secret' } }))
  expect(config.providers).toEqual([
    expect.objectContaining({ name: 'openai', apiKey: null, configured: true }),
    expect.objectContaining({ name: 'anthropic', apiKey: null, configured: false }),
    expect.objectContaining({ name: 'gemini', apiKey: null, configured: false }),
  ])
})
