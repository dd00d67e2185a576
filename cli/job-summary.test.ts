import { expect, test } from 'vitest'
import { exampleJob, finishedJob } from '../client/testing/scripted-server.ts'
import { pauseReasons } from '../core/statuses.ts'
import { renderStatus } from './job-status.ts'
import { renderSummary } from './job-summary.ts'

test('the summary of a job with failed items: how many of what, what it cost, what to do next', () => {
  const job = finishedJob({
    name: 'nightly',
    counts: { total: 600, pending: 0, submitted: 0, succeeded: 597, failed: 3, expired: 0, cancelled: 0 },
    progress: { done: 600, failed: 3, total: 600 },
    earlier_attempts: 60,
    cost_usd: '0.12345',
  })
  const summary = renderSummary(
    job,
    new Map([
      ['content_filter', 1],
      ['refusal', 2],
    ]),
  )
  expect(summary.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
    'Job k7m2x9qd4hta | nightly: completed after 1m 20s',
    ' | items | 600: 597 succeeded, 3 failed',
    ' | failed | 2 refusal, 1 content_filter',
    ' | sent again | 60 attempts',
    ' | cost | $0.12 (simulated, not spent)',
    ' | results | batchwright results k7m2x9qd4hta',
    ' | what failed | batchwright items k7m2x9qd4hta --status failed,expired',
    ' | again | batchwright retry k7m2x9qd4hta',
  ])
})

test('a job that went well is told in a few lines, with what was really spent', () => {
  const summary = renderSummary(finishedJob({ simulated: false, cost_usd: '1.5', unpriced_items: 1 }), new Map())
  expect(summary).not.toContain('retry')
  expect(summary).toContain('$1.50, and 1 answer of models without a known price at batch price')
})

test.for(pauseReasons)('a job paused for %s says why, and what to do', (reason) => {
  const summary = renderSummary(exampleJob({ status: 'paused', pause: { reason, detail: 'the detail' } }), new Map())
  expect(summary).toMatch(new RegExp(`paused +${reason}: .+ \\(the detail\\)`))
  if (reason !== 'submission_unknown') expect(summary).toContain('batchwright resume k7m2x9qd4hta')
})

test('what the provider reports is told apart from what is final', () => {
  const job = exampleJob({ progress: { done: 2, failed: 0, total: 3 } })
  expect(renderStatus(job, Date.parse('2026-11-21T07:02:00Z'))).toContain(
    '3: 0 succeeded, 3 submitted (the provider reports 2 done)',
  )
})

test('the status of a job shows its model, tags and age, and nothing that is not there', () => {
  const status = renderStatus(exampleJob({ tags: { team: 'shop' }, name: 'a\nb' }), Date.parse('2026-11-21T07:02:00Z'))
  expect(status).toContain('openai/gpt-5-mini (/v1/chat/completions), simulated')
  expect(status).toContain('team=shop')
  expect(status).toContain('(2m ago)')
  expect(status).toMatch(/^Job +k7m2x9qd4hta {2}a b\n/)
  expect(status).not.toMatch(/Ended|Error|Paused|null/)
})
