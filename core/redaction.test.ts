import { expect, test } from 'vitest'
import { redactError, redactJson } from './redaction.ts'

const redact = (text: string) => text.replaceAll(/hunter"?2/g, '[redacted]')

test('the strings of a JSON text are redacted as they read, and the rest of it stays character for character', () => {
  expect(redactJson('{"a": 1.0, "hunter2":[ "no", "is \\"hunter\\"2\\" or hunter2" ],"n":12345678901234567890}', redact)).toBe(
    '{"a": 1.0, "[redacted]":[ "no", "is \\"[redacted]\\" or [redacted]" ],"n":12345678901234567890}',
  )
  expect(redactJson('{"a":"\\u0068unter2"}', redact)).toBe('{"a":"[redacted]"}')
  const untouched = '{"a": "\\u0041 \\/ \\\\", "b": ""}'
  expect(redactJson(untouched, redact)).toBe(untouched)
})

test('numbers are redacted as well, and then are texts', () => {
  const cards = (text: string) => text.replaceAll(/\b\d{16}\b/g, '[redacted]')
  expect(redactJson('{"card":4111111111111111,"n":-1.5e3}', cards)).toBe('{"card":"[redacted]","n":-1.5e3}')
})

test('a text that is more than can be taken apart is redacted as a whole', () => {
  const text = `{"a":"hunter2${'\\n'.repeat(10_000_000)}"}`
  expect(redactJson(text, redact).startsWith('{"a":"[redacted]\\n')).toBe(true)
})

test('of a text that breaks off, or is no JSON, what there is of its strings', () => {
  expect(redactJson('{"a":"hunter2 and', redact)).toBe('{"a":"[redacted] and')
  expect(redactJson('{"a":"hunter2\\', redact)).toBe('{"a":"[redacted]\\')
  expect(redactJson('"bad \\x escape hunter2"', redact)).toBe('"bad \\x escape [redacted]"')
})

test('an error is redacted with its stack and its causes, and stays what it is', () => {
  const root = new Error('root hunter2')
  const loop = new AggregateError([new TypeError('one hunter2'), 'no error'], 'all hunter2', { cause: root })
  root.cause = loop
  expect(redactError(loop, redact)).toBe(loop)
  const texts = [loop, root, loop.errors[0] as Error].map(({ message, stack }) => `${message} ${stack}`)
  for (const text of texts) expect(text).not.toContain('hunter2')
  expect(loop.message).toBe('all [redacted]')
  expect(loop.errors[0]).toBeInstanceOf(TypeError)
})

test('of an error that can not be changed there is a copy, and what holds it holds that', () => {
  const fixed = Object.defineProperty(new RangeError('fixed hunter2'), 'stack', { value: 'stack hunter2' })
  const holder = new Error('held', { cause: fixed })
  expect(redactError(holder, redact)).toBe(holder)
  expect(holder.cause).toMatchObject({ name: 'RangeError', message: 'fixed [redacted]', stack: 'stack [redacted]' })
  expect(redactError(fixed, redact)).toMatchObject({ name: 'RangeError', message: 'fixed [redacted]', stack: 'stack [redacted]' })
  const clean = Object.freeze(new Error('nothing'))
  expect(redactError(clean, redact)).toBe(clean)
  expect(redactError('hunter2', redact)).toBe('hunter2')
})
