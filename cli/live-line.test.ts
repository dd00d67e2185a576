import { expect, test } from 'vitest'
import { exampleJob, finishedJob } from '../client/testing/scripted-server.ts'
import { plainLineKey, renderLiveLine, renderPlainLine } from './live-line.ts'

const nowMs = Date.parse('2026-11-21T07:01:20.000Z')
const job = exampleJob({
  progress: { done: 2400, failed: 3, total: 6000 },
  batches: { total: 5, open: 2 },
  next_poll_at: '2026-11-21T07:01:32.400Z',
})

test('with room it shows everything', () => {
  expect(renderLiveLine(job, { width: 200, nowMs })).toBe(
    'in_progress  █████████░░░░░░░░░░░░░░░  2,400/6,000  40%  3 failed  2 of 5 batches open  1m 20s  next poll in 12s',
  )
})

test('it never is wider than the terminal, and the counts stay to the end', () => {
  for (let width = 10; width <= 130; width++) {
    const line = renderLiveLine(job, { width, nowMs })
    expect([...line].length).toBeLessThanOrEqual(width)
    if (width >= 11) expect(line).toContain('2,400/6,000')
  }
  expect(renderLiveLine(job, { width: 99, nowMs })).toBe(
    'in_progress  ████░░░░░░░  2,400/6,000  40%  3 failed  2 of 5 batches open  1m 20s  next poll in 12s',
  )
  expect(renderLiveLine(job, { width: 60, nowMs })).toBe('in_progress  2,400/6,000  40%  3 failed  1m 20s')
})

test('what is not there is not shown', () => {
  const validating = exampleJob({
    status: 'validating',
    progress: { done: 0, failed: 0, total: 0 },
    batches: { total: 0, open: 0 },
  })
  expect(renderLiveLine(validating, { width: 100, nowMs })).toBe('validating  ░░░░░░░░░░░░░░░░░░░░░░░░  0/0  0%  1m 20s')
})

test('a full bar means all done: 99.9 % is not 100 %', () => {
  const almost = exampleJob({ progress: { done: 5999, failed: 0, total: 6000 } })
  const line = renderLiveLine(almost, { width: 100, nowMs })
  expect(line).toContain('99%')
  expect(line).toContain('░')
})

test('a poll that is due is under way, and a finished job has none', () => {
  expect(renderPlainLine({ ...job, next_poll_at: '2026-11-21T07:01:19.000Z' }, nowMs)).toMatch(/, polling$/)
  expect(renderPlainLine(finishedJob({ next_poll_at: '2026-11-21T07:02:00.000Z' }), nowMs)).toBe(
    'completed: 3 of 3 items done, 0 of 1 batch open, 1m 20s',
  )
})

test('a pause says its reason, a later round its number', () => {
  expect(renderPlainLine(exampleJob({ status: 'paused', pause: { reason: 'auth', detail: null } }), nowMs)).toMatch(
    /^paused \(auth\): /,
  )
  expect(renderPlainLine(exampleJob({ round: 2 }), nowMs)).toMatch(/^in_progress, round 2: /)
})

test('time alone is no change for a log', () => {
  expect(plainLineKey({ ...job, next_poll_at: null })).toBe(plainLineKey(job))
  expect(plainLineKey({ ...job, progress: { ...job.progress, done: 2401 } })).not.toBe(plainLineKey(job))
})
