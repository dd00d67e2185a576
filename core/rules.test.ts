import { expect, test } from 'vitest'
import { formatDuration, parseDurationMs } from './durations.ts'
import { errorClasses, isSentAgain, type ErrorClass } from './error-classes.ts'
import { BatchwrightError, describeError } from './errors.ts'
import { createJobId, jobIdPattern, jobWorkflowId, batchWorkflowId, parseWorkflowId } from './job-id.ts'
import { modelOfRound, resolvePolling, resolveRetry, roundBackoffMs, roundsAllowed } from './job-spec.ts'
import { didYouMean, nearestName } from './nearest-name.ts'
import { addItem, describeOversize, emptyBatch, isWithinLimits } from './splitting.ts'

function classesSentAgain(history: Partial<Parameters<typeof isSentAgain>[1]>): ErrorClass[] {
  return errorClasses.filter((errorClass) => isSentAgain(errorClass, { earlierClasses: [], round: 1, maxRounds: 3, ...history }))
}

test('what is sent again after the first round, and what never is', () => {
  expect(classesSentAgain({})).toEqual(['transient', 'rate_limited', 'expired', 'missing', 'truncated', 'invalid_output', 'auth'])
})

test('truncated is sent again once, and invalid_request once if its parameter is named', () => {
  expect(classesSentAgain({ round: 2, earlierClasses: ['truncated'] })).not.toContain('truncated')
  expect(classesSentAgain({ cleanableParameter: 'temperature' })).toContain('invalid_request')
  expect(classesSentAgain({ cleanableParameter: 'temperature', earlierClasses: ['invalid_request'] })).not.toContain(
    'invalid_request',
  )
})

test('nothing is sent again after the last round but what was refused for its key, which costs no round', () => {
  expect(classesSentAgain({ round: 3 })).toEqual(['auth'])
})

test('backoff doubles from the second round', () => {
  expect([1, 2, 3, 4].map((round) => roundBackoffMs({ maxRounds: 5, backoffMs: 1000 }, round))).toEqual([0, 1000, 2000, 4000])
})

test('fallback models take the last rounds, one each, and never the first', () => {
  const rounds = roundsAllowed({ maxRounds: 1, backoffMs: 0 }, ['b', 'c'])
  expect(rounds).toBe(3)
  expect([1, 2, 3].map((round) => modelOfRound('a', ['b', 'c'], round, rounds))).toEqual(['a', 'b', 'c'])
  expect([1, 2, 3].map((round) => modelOfRound('a', ['c'], round, 3))).toEqual(['a', 'a', 'c'])
})

test('the nearest layer that sets a key wins', () => {
  expect(resolvePolling({ initial: '1s' }, { initial: '2s', max: '10s' }, undefined)).toEqual({
    initialMs: 1000,
    maxMs: 10_000,
    growth: 1.06,
  })
  expect(resolvePolling({ initial: '1m', max: '10s' }).initialMs).toBe(10_000)
  expect(resolveRetry(undefined, { max_rounds: 5 })).toEqual({ maxRounds: 5, backoffMs: 60_000 })
})

test('durations are read and written', () => {
  expect(['500ms', '15s', '10m', '1h30m', '2d', '1.5h'].map(parseDurationMs)).toEqual([
    500, 15_000, 600_000, 5_400_000, 172_800_000, 5_400_000,
  ])
  for (const text of ['', '10', 'ten minutes', '5x', '10m later'])
    expect(() => parseDurationMs(text), text).toThrow(BatchwrightError)
  expect([250, 1500, 61_000, 3_600_000, 90_061_000].map(formatDuration)).toEqual(['250ms', '2s', '1m 1s', '1h', '1d 1h'])
})

test('job ids and workflow ids are read back', () => {
  const id = createJobId(Uint8Array.from({ length: 12 }, (_, index) => index * 21))
  expect(id).toMatch(jobIdPattern)
  expect(parseWorkflowId(jobWorkflowId(id))).toEqual({ jobId: id, batch: null })
  expect(parseWorkflowId(batchWorkflowId(id, 12))).toEqual({ jobId: id, batch: 12 })
  for (const other of ['janitor', 'job-', `job-${id}-batch-0`, `job-${id}x`, `my-job-${id}`])
    expect(parseWorkflowId(other), other).toBeNull()
})

test('a mistyped name finds its neighbour, a foreign one does not', () => {
  const names = ['openai', 'anthropic', 'gemini']
  expect(nearestName('opneai', names)).toBe('openai')
  expect(nearestName('bedrock', names)).toBeNull()
  expect(didYouMean('gemni', names)).toBe(' (did you mean "gemini"?)')
})

test('a batch keeps every limit', () => {
  const limits = { maxRequests: 2, maxBytes: 100, maxTokens: 50 }
  const one = addItem(emptyBatch, { bytes: 60, tokens: 10 })
  expect(isWithinLimits(one, limits)).toBe(true)
  expect(isWithinLimits(addItem(one, { bytes: 40, tokens: 40 }), limits)).toBe(true)
  expect(isWithinLimits(addItem(one, { bytes: 41, tokens: 1 }), limits)).toBe(false)
  expect(isWithinLimits(addItem(one, { bytes: 1, tokens: 41 }), limits)).toBe(false)
  expect(isWithinLimits(addItem(addItem(one, { bytes: 1, tokens: 1 }), { bytes: 1, tokens: 1 }), limits)).toBe(false)
  expect(describeOversize({ bytes: 101, tokens: 1 }, limits)).toContain('101 bytes')
  expect(describeOversize({ bytes: 1, tokens: 51 }, limits)).toContain('51')
  expect(describeOversize({ bytes: 100, tokens: 50 }, limits)).toBeNull()
})

test('an error is one line with its causes', () => {
  expect(describeError(new Error('no answer', { cause: new Error('connect\n  refused') }))).toBe('no answer: connect refused')
})
