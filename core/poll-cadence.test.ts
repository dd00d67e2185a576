import { expect, test } from 'vitest'
import { defaultPolling as policy } from './job-spec.ts'
import { nextPollDelayMs, type BatchObservation } from './poll-cadence.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** Polls a simulated batch until it has ended. */
function poll(
  durationMs: number,
  done: (elapsedMs: number) => number | null,
  expiresAfterMs: number | null = 24 * hour,
): { polls: number; delayMs: number } {
  const total = 1000
  let elapsedMs = 0
  for (let polls = 0; ; polls++) {
    if (elapsedMs >= durationMs) return { polls, delayMs: elapsedMs - durationMs }
    elapsedMs += nextPollDelayMs(policy, {
      elapsedMs,
      done: done(elapsedMs),
      total,
      expiresInMs: expiresAfterMs === null ? null : expiresAfterMs - elapsedMs,
    })
  }
}

test('a day without any progress report stays far under the events that a day may cost', () => {
  // 12 events a poll, under 2,000 in all.
  expect(poll(24 * hour, () => null).polls).toBeLessThanOrEqual(166)
})

test('the end is noticed within a few percent of the duration, with a fraction of the calls of a fixed minute', () => {
  const durations = [10 * minute, 30 * minute, 47 * minute, 2 * hour, 3.3 * hour, 7 * hour, 13 * hour, 23 * hour]
  const curves: Array<(durationMs: number) => (elapsedMs: number) => number | null> = [
    () => () => null,
    (durationMs) => (elapsedMs) => Math.min(1000, Math.floor((1000 * elapsedMs) / durationMs)),
    (durationMs) => (elapsedMs) =>
      elapsedMs < durationMs * 0.8 ? 0 : Math.min(1000, Math.floor((1000 * (elapsedMs - durationMs * 0.8)) / (durationMs * 0.2))),
    (durationMs) => (elapsedMs) => Math.min(990, Math.floor((1000 * elapsedMs) / (durationMs * 0.3))),
  ]
  let calls = 0
  let fixedCalls = 0
  let delays = 0
  for (const curve of curves) {
    for (const durationMs of durations) {
      const { polls, delayMs } = poll(durationMs, curve(durationMs))
      calls += polls
      fixedCalls += Math.ceil(durationMs / minute)
      delays += delayMs / durationMs
    }
  }
  expect(calls / fixedCalls).toBeLessThanOrEqual(1 / 3)
  expect(delays / (curves.length * durations.length)).toBeLessThanOrEqual(0.03)
})

test('a wait is never shorter than the first nor longer than the longest, and never sleeps past the expiry', () => {
  const observe = (change: Partial<BatchObservation>) =>
    nextPollDelayMs(policy, { elapsedMs: 0, done: null, total: 100, expiresInMs: null, ...change })
  expect(observe({})).toBe(policy.initialMs)
  expect(observe({ elapsedMs: 30 * 24 * hour })).toBe(policy.maxMs)
  expect(observe({ elapsedMs: 24 * hour - minute, expiresInMs: minute })).toBe(minute + policy.initialMs)
  expect(observe({ elapsedMs: 25 * hour, expiresInMs: -hour })).toBe(2 * policy.initialMs)
  for (let elapsedMs = 0; elapsedMs < 30 * hour; elapsedMs += 7 * minute) {
    for (const done of [null, 0, 1, 50, 99, 100, 250]) {
      const delayMs = observe({ elapsedMs, done, expiresInMs: 24 * hour - elapsedMs })
      expect(delayMs).toBeGreaterThanOrEqual(policy.initialMs)
      expect(delayMs).toBeLessThanOrEqual(policy.maxMs)
    }
  }
})
