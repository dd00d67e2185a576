import { expect, test } from 'vitest'
import { BatchwrightError } from '../core/errors.ts'
import { reportError } from './error-report.ts'

test('wrong input: one line, then the first ten errors with their lines, then how many there are', () => {
  const errors = Array.from({ length: 100 }, (_, index) => ({ line: index + 7, field: 'messages', reason: 'expected an array' }))
  const error = new BatchwrightError('invalid_input', '250 lines are wrong; nothing was stored', {
    details: { errors, error_count: 250 },
  })
  const { lines, exitCode } = reportError(error)
  expect(lines).toHaveLength(12)
  expect(lines.slice(0, 2)).toEqual([
    'batchwright: the input has errors; nothing was stored',
    'line 7: field messages: expected an array',
  ])
  expect(lines.at(-1)).toBe('… 250 errors in all')
  expect(exitCode).toBe(1)
})

test('a few errors are all shown, whole lines and whole fields as well', () => {
  const errors = [
    { line: 3, field: null, reason: 'is not JSON' },
    { field: 'temperature', reason: 'too big' },
  ]
  const { lines } = reportError(new BatchwrightError('invalid_input', 'wrong', { details: { errors, error_count: 2 } }))
  expect(lines.slice(1)).toEqual(['line 3: is not JSON', 'field temperature: too big'])
})

test('a single bad line is told once', () => {
  const errors = [{ line: 3, field: 'prompt', reason: 'expected a string' }]
  const error = new BatchwrightError('invalid_input', 'line 3: prompt: expected a string; nothing was stored', {
    details: { errors, error_count: 1 },
  })
  expect(reportError(error).lines).toEqual(['batchwright: line 3: prompt: expected a string; nothing was stored'])
})

test('an error of the request itself is told once', () => {
  const errors = [{ field: 'provider', reason: 'there is no provider "x"' }]
  expect(
    reportError(new BatchwrightError('unknown_provider', 'there is no provider "x"', { details: { errors } })).lines,
  ).toHaveLength(1)
})

test('nothing that a user or a provider wrote breaks the line or reaches the terminal as a command', () => {
  const { lines } = reportError(new BatchwrightError('x', 'first\nsecond\u001b[2J'))
  expect(lines).toEqual(['batchwright: first second[2J'])
})

test('an unexpected error is told with its cause', () => {
  const { lines, json, exitCode } = reportError(new TypeError('outer', { cause: new Error('inner') }))
  expect(lines).toEqual(['batchwright: outer: inner'])
  expect(json.error.code).toBe('internal')
  expect(exitCode).toBe(1)
})

test('for programs there is the code and everything that is known', () => {
  const { json } = reportError(new BatchwrightError('job_not_found', 'there is no job', { details: { status: 404 } }))
  expect(json).toEqual({ error: { code: 'job_not_found', message: 'there is no job', details: { status: 404 } } })
})
