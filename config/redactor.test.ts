import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig, type Config, type Environment } from './config.ts'
import { createLogger } from './logger.ts'
import { createRedactor } from './redactor.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-redaction-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function load(yaml: string, environment: Environment = {}): Config {
  writeFileSync(join(directory, 'batchwright.yaml'), yaml)
  return loadConfig({ directory, environment })
}

const secrets = {
  OPENAI_API_KEY: 'sk-the-key-of-openai',
  DATABASE_URL: 'postgres://batch:p%40ss-of-database@db.example:5432/batch',
  TEMPORAL_API_KEY: 'key-of-temporal',
  BATCHWRIGHT_API_KEY: 'key-of-callers',
}
const webhook = 'webhooks: { url: "https://a.example/hook", secret: whsec_of_the_webhook }'

test('the secrets of the configuration are redacted without being asked to, however they are spelt', () => {
  const redact = createRedactor(load(webhook, secrets))
  const said = [
    ...Object.values(secrets),
    'p@ss-of-database',
    'whsec_of_the_webhook',
    'sk-the-key-of-openai and again sk-the-key-of-openai',
  ]
  for (const text of said) expect(redact(`it said ${text}.`), text).not.toMatch(/key-of|ss-of|whsec_of/)
  expect(redact(`can not reach ${secrets.DATABASE_URL}`)).toBe('can not reach postgres://batch:[redacted]@db.example:5432/batch')
  expect(redact('see https://me:anything@host.example/path and http://127.0.0.1:8787/a@b')).toBe(
    'see https://me:[redacted]@host.example/path and http://127.0.0.1:8787/a@b',
  )
})

test('a word that is somebody’s key or password does not make the log unreadable', () => {
  const redact = createRedactor(
    load('', {
      OPENAI_API_KEY: 'short',
      DATABASE_URL: 'postgres://postgres:postgres@127.0.0.1/x',
      BATCHWRIGHT_SIMULATE: 'anthropic',
      BATCHWRIGHT_SIMULATOR_URL: 'http://127.0.0.1:1',
    }),
  )
  for (const text of ['postgres is not reachable', 'in short', 'simulated']) expect(redact(text)).toBe(text)
})

test('what a pattern matches is redacted, in linear time whatever the pattern', () => {
  const redact = createRedactor(load(String.raw`redaction: { patterns: ['sk-[A-Za-z0-9_-]+', '\bC-\d{4}\b', '(a+)+$'] }`))
  expect(redact('Incorrect key sk-abc_1 of customer C-1234, not C-12345.')).toBe(
    'Incorrect key [redacted] of customer [redacted], not C-12345.',
  )
  const startedAt = performance.now()
  expect(redact(`${'a'.repeat(5000)}!`)).toHaveLength(5001)
  // By backtracking it would not end within the age of the universe.
  expect(performance.now() - startedAt).toBeLessThan(5000)
})

test.each([
  ["patterns: ['ok', 'a(']", /redaction\.patterns\[1\]: is no regular expression of RE2.*missing closing \)/],
  ["patterns: ['(?<=key )\\w+']", /redaction\.patterns\[0\]: is no regular expression of RE2, which has no look-around/],
  ["patterns: ['x*']", /redaction\.patterns\[0\]: matches the empty text/],
  ["patterns: ['']", /redaction\.patterns\[0\]: /],
  ["pattern: ['x']", /redaction\.pattern: unknown key \(did you mean "patterns"\?\)/],
])('%s is refused at the start, with the key', (yaml, message) => {
  expect(() => load(`redaction: { ${yaml} }`)).toThrow(message)
})

test('the log is redacted in whatever is written to it: messages, fields, and errors within fields', () => {
  const lines: string[] = []
  const config = load(String.raw`redaction: { patterns: ['hunter"?2'] }`, secrets)
  const logger = createLogger(config, 'worker', { write: (line) => lines.push(line) })
  const error = new Error('refused sk-the-key-of-openai', { cause: new Error('hunter2') })
  logger.warn({ error: error.message, deep: { url: secrets.DATABASE_URL, list: ['hunter"2'] }, err: error }, 'said hunter2')
  logger.debug({}, 'below the level')
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toMatch(/hunter|key-of|ss-of/)
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: 40,
    process: 'worker',
    msg: 'said [redacted]',
    error: 'refused [redacted]',
    deep: { url: 'postgres://batch:[redacted]@db.example:5432/batch', list: ['[redacted]'] },
  })
})
