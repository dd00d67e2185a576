import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultPolling as policy } from './job-spec.ts'
import { nextPollDelayMs, type BatchObservation } from './poll-cadence.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
/** 12 events a poll, under 2,000 in all. */
const pollsADay = 166
const total = 1000

/** What is reported as done at an age. */
type Curve = (elapsedMs: number) => number | null

/** Polls a simulated batch as `activities/poll.ts` does, until it has ended: at once when it is created, and the last poll sees the end. */
function poll(durationMs: number, curve: Curve, expiresAfterMs: number | null = 24 * hour): { polls: number; delayMs: number } {
  let elapsedMs = 0
  let seen: number | null = null
  let progressedAtMs = 0
  for (let polls = 1; ; polls++) {
    if (elapsedMs >= durationMs) return { polls, delayMs: elapsedMs - durationMs }
    const done = curve(elapsedMs)
    if (done !== seen) progressedAtMs = elapsedMs
    seen = done
    elapsedMs += nextPollDelayMs(policy, {
      elapsedMs,
      done,
      total,
      sinceProgressMs: elapsedMs - progressedAtMs,
      polls,
      expiresInMs: expiresAfterMs === null ? null : expiresAfterMs - elapsedMs,
    })
  }
}

const durations = [10 * minute, 30 * minute, 47 * minute, 2 * hour, 3.3 * hour, 7 * hour, 13 * hour, 23 * hour]

/** Straight from 0 to `done` of the total at `part` of the duration, and so on from point to point. */
function through(...points: Array<[part: number, done: number]>): (durationMs: number) => Curve {
  return (durationMs) => (elapsedMs) => {
    let [fromPart, fromDone] = [0, 0]
    for (const [part, done] of points) {
      if (elapsedMs < part * durationMs)
        return Math.floor(total * (fromDone + ((done - fromDone) * (elapsedMs / durationMs - fromPart)) / (part - fromPart)))
      ;[fromPart, fromDone] = [part, done]
    }
    return Math.floor(total * fromDone)
  }
}

const curves: Record<string, (durationMs: number) => Curve> = {
  'nothing reported': () => () => null,
  linear: through([1, 1]),
  late: through([0.8, 0], [1, 1]),
  'stalled at 99 %': through([0.3, 0.99]),
  'all counted long before the end': through([0.8, 1]),
  'stalled half way, then resumed': through([0.3, 0.5], [0.8, 0.5], [1, 1]),
  'stalled near the end, then resumed': through([0.3, 0.95], [0.8, 0.95], [1, 1]),
  'a trickle at the end': through([0.05, 0.97], [1, 1]),
}

function measure(kinds: ReadonlyArray<(durationMs: number) => Curve>): { ratio: number; meanDelay: number } {
  let [calls, fixedCalls, delays] = [0, 0, 0]
  for (const kind of kinds) {
    for (const durationMs of durations) {
      const { polls, delayMs } = poll(durationMs, kind(durationMs))
      calls += polls
      fixedCalls += Math.ceil(durationMs / minute)
      delays += delayMs / durationMs
    }
  }
  return { ratio: calls / fixedCalls, meanDelay: delays / (kinds.length * durations.length) }
}

test('the end is noticed within a few percent of the duration, with a fraction of the calls of a fixed minute', () => {
  for (const names of [Object.keys(curves).slice(0, 4), Object.keys(curves)]) {
    const { ratio, meanDelay } = measure(names.map((name) => curves[name] as (durationMs: number) => Curve))
    expect(ratio).toBeLessThanOrEqual(1 / 3)
    expect(meanDelay).toBeLessThanOrEqual(0.03)
  }
})

test.each(Object.entries(curves))('no kind of progress is noticed much later than silence: %s', (_, kind) => {
  expect(measure([kind]).meanDelay).toBeLessThanOrEqual(0.05)
})

test.each([
  ['nothing is reported', () => null],
  ['99 % are done', () => 0.99 * total],
  ['99 % are done after an hour', (elapsedMs) => (elapsedMs < hour ? 0 : 0.99 * total)],
  ['everything is counted', () => total],
  ['everything is counted after an hour', (elapsedMs) => (elapsedMs < hour ? total / 2 : total)],
] satisfies Array<[string, Curve]>)('a day in which nothing moves stays under the events that a day may cost: %s', (_, curve) => {
  expect(poll(24 * hour, curve).polls).toBeLessThanOrEqual(pollsADay - 6)
})

test('no report, however it moves, costs more polls a day than silence', () => {
  const silent = poll(24 * hour, () => null).polls
  const part = fc.double({ min: 0, max: 1, noNaN: true })
  // Where counts move, most of all near the end, which is where waits are shortened.
  const done = fc.oneof(part, fc.double({ min: 0.85, max: 1, noNaN: true }))
  fc.assert(
    fc.property(fc.array(fc.tuple(part, done), { maxLength: 12 }), fc.boolean(), (points, jumps) => {
      const sorted = points.toSorted(([left], [right]) => left - right)
      const steps: Curve = (elapsedMs) => total * (sorted.findLast(([at]) => at * 24 * hour <= elapsedMs)?.[1] ?? 0)
      expect(poll(24 * hour, jumps ? steps : through(...sorted)(24 * hour)).polls).toBeLessThanOrEqual(silent + 1)
    }),
    { numRuns: 300 },
  )
})

test('a batch that outlives its expiry by hours stays under the events that a day may cost', () => {
  for (const expiresAfterMs of [minute, hour, 6 * hour, 12 * hour, 20 * hour]) {
    expect(poll(24 * hour, () => total, expiresAfterMs).polls).toBeLessThanOrEqual(pollsADay)
  }
})

test('near the end waits are shorter, until nothing has moved for a while', () => {
  const wait = (sinceProgressMs: number) =>
    nextPollDelayMs(policy, { elapsedMs: 2 * hour, done: 990, total, sinceProgressMs, polls: 20, expiresInMs: null })
  const silent = nextPollDelayMs(policy, {
    elapsedMs: 2 * hour,
    done: null,
    total,
    sinceProgressMs: 0,
    polls: 20,
    expiresInMs: null,
  })
  expect(wait(0)).toBe(silent / 4)
  const stalls = [0, 5, 10, 15, 20, 25, 30, 60, 120].map((minutes) => wait(minutes * minute))
  expect(stalls).toEqual(stalls.toSorted((left, right) => left - right))
  expect(stalls.at(-1)).toBe(silent)
})

test('a wait is never shorter than the first nor longer than the longest, and never sleeps past the expiry', () => {
  const observe = (change: Partial<BatchObservation>) =>
    nextPollDelayMs(policy, {
      elapsedMs: 0,
      done: null,
      total: 100,
      sinceProgressMs: 0,
      polls: 1,
      expiresInMs: null,
      ...change,
    })
  expect(observe({})).toBe(policy.initialMs)
  expect(observe({ elapsedMs: 30 * 24 * hour })).toBe(policy.maxMs)
  expect(observe({ elapsedMs: 24 * hour - minute, expiresInMs: minute })).toBe(minute + policy.initialMs)
  expect(observe({ elapsedMs: 24 * hour + minute, expiresInMs: -minute })).toBe(2 * policy.initialMs)
  const ms = fc.integer({ min: 0, max: 30 * hour })
  fc.assert(
    fc.property(
      ms,
      fc.option(fc.integer({ min: 0, max: 250 })),
      ms,
      fc.integer({ min: 1, max: 500 }),
      fc.option(fc.integer({ min: -hour, max: 30 * hour })),
      (elapsedMs, done, sinceProgressMs, polls, expiresInMs) => {
        const delayMs = observe({ elapsedMs, done, sinceProgressMs, polls, expiresInMs })
        expect(delayMs).toBeGreaterThanOrEqual(policy.initialMs)
        expect(delayMs).toBeLessThanOrEqual(policy.maxMs)
        if (expiresInMs !== null && expiresInMs > 0) expect(delayMs).toBeLessThanOrEqual(expiresInMs + policy.initialMs)
      },
    ),
  )
})
