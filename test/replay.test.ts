import { readdirSync, readFileSync } from 'node:fs'
import { DeterminismViolationError } from '@temporalio/workflow'
import { Worker } from '@temporalio/worker'
import { expect, inject, test } from 'vitest'
import { quietRuntime } from './quiet-runtime.ts'
import { historiesDirectory } from './record-histories.ts'

quietRuntime()

/*
 * Histories of jobs that ran on an earlier version (made by test/histories.record.ts) are replayed against the workflows of today. A change that
 * would break a job that runs for users right now fails here.
 */
const names = readdirSync(historiesDirectory).filter((name) => name.endsWith('.json'))

type History = Parameters<typeof Worker.runReplayHistory>[1]

async function replay(name: string, code?: string): Promise<void> {
  const history = JSON.parse(readFileSync(`${historiesDirectory}${name}`, 'utf8')) as History
  const workflowBundle = code === undefined ? { codePath: inject('workflowBundle') } : { code }
  await Worker.runReplayHistory(
    { workflowBundle },
    history,
    name.startsWith('job') ? 'job-222222222222' : 'job-222222222222-batch-1',
  )
}

test('there is a history of each turn that a job can take', () => {
  expect(names.toSorted()).toEqual(
    [
      'batch-continued.json',
      'batch-polled.json',
      'batch-cancelled.json',
      'job-cancelled.json',
      'job-continued.json',
      'job-paused.json',
      'job-two-rounds.json',
      'job-retried.json',
      'janitor.json',
    ].toSorted(),
  )
})

for (const name of names) {
  test(`${name} replays`, async () => {
    await expect(replay(name)).resolves.toBeUndefined()
  })
}

test('a poll takes at most 12 events of a history', () => {
  for (const name of ['batch-polled.json', 'batch-continued.json']) {
    const { events } = JSON.parse(readFileSync(`${historiesDirectory}${name}`, 'utf8')) as {
      events: Array<{ activityTaskScheduledEventAttributes?: { activityType: { name: string } } }>
    }
    const polls = events.flatMap((event, index) =>
      event.activityTaskScheduledEventAttributes?.activityType.name === 'poll' ? [index] : [],
    )
    expect(polls.length).toBeGreaterThan(3)
    for (const [index, at] of polls.slice(1).entries()) expect(at - (polls[index] ?? 0)).toBeLessThanOrEqual(12)
  }
})

/** Each changes one command of the workflows, in their bundle: a replay that does not notice would notice nothing. */
const changes: ReadonlyArray<{ what: string; history: string; from: RegExp; to: string }> = [
  { what: 'another first activity', history: 'job-two-rounds.json', from: /\.beginJob\(/, to: '.beginAnotherJob(' },
  { what: 'no finalization', history: 'job-two-rounds.json', from: /\.finalize\(\{/, to: '.planRound({' },
  {
    what: 'no webhook',
    history: 'job-two-rounds.json',
    from: /\(0,\s*[\w.]+notifyActivities\)\(\)\.notify\(\{[^}]*\}\),/,
    to: '',
  },
  {
    what: 'no child workflow',
    history: 'job-two-rounds.json',
    from: /await control\.waitBeforeRound\([^)]*\);?/,
    to: 'continue;',
  },
  { what: 'a pause that is not written down', history: 'job-paused.json', from: /\.pause\(\{/, to: '.resume({' },
  {
    what: 'a cancel that does not reach the batches',
    history: 'job-cancelled.json',
    from: /\.map\(\(batch\)\s*=>\s*this\.tellBatch\(batch, signal\)\)/,
    to: '.map(() => {})',
  },
  { what: 'a batch that never asks to cancel', history: 'batch-cancelled.json', from: /\.cancelBatch\(/, to: '.poll(' },
  {
    what: 'a poll without a wait',
    history: 'batch-polled.json',
    from: /await \(0,\s*[\w.]+condition\)\(isWoken, next\.waitMs, [^)]*\)/,
    to: 'void 0',
  },
  {
    what: 'a job that is not told',
    history: 'batch-polled.json',
    from: /await tellJob\([^)]*batchEndedSignal, batch, parts\)/,
    to: 'void 0',
  },
  { what: 'no continue-as-new', history: 'batch-continued.json', from: /continueAsNewSuggested/, to: 'neverSuggested' },
]

for (const { what, history, from, to } of changes) {
  test(`the replay of ${history} fails with ${what}`, async () => {
    const code = readFileSync(inject('workflowBundle'), 'utf8')
    const changed = code.replace(new RegExp(from, 'g'), to)
    expect(changed, 'the change applies').not.toBe(code)
    await expect(replay(history, changed)).rejects.toThrow(DeterminismViolationError)
  })
}
