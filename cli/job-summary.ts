import type { Job } from '../client/batchwright.ts'
import { formatDuration } from '../core/durations.ts'
import type { ErrorClass } from '../core/error-classes.ts'
import { isTerminalJobStatus, type JobStatus } from '../core/statuses.ts'
import { pauseAdvice } from './pause-advice.ts'
import { countOf, formatCount, formatMoney } from './quantities.ts'
import { oneLine, renderBlock } from './table.ts'

/** Of the items that failed or expired. */
export type FailureClasses = ReadonlyMap<ErrorClass, number>

/** What is said when the waiting for a job is over: how it stands, and what to do next. */
export function renderSummary(job: Job, failures: FailureClasses): string {
  const { counts } = job
  const unsuccessful = counts.total - counts.succeeded
  const finished = isTerminalJobStatus(job.status)
  return renderBlock([
    [`Job ${job.id}`, headline(job)],
    ['  paused', job.status === 'paused' && job.pause !== null ? pauseText(job, job.pause) : null],
    ['  error', job.error === null ? null : `${oneLine(job.error.message)} (${job.error.code})`],
    ['  items', itemsText(job)],
    ['  failed', failures.size === 0 ? null : failuresText(failures)],
    ['  sent again', job.earlier_attempts === 0 ? null : countOf(job.earlier_attempts, 'attempt')],
    ['  cost', costText(job)],
    ['  results', counts.total === 0 ? null : `batchwright results ${job.id}`],
    ['  what failed', counts.failed + counts.expired > 0 ? `batchwright items ${job.id} --status failed,expired` : null],
    ['  again', finished && unsuccessful > 0 ? `batchwright retry ${job.id}` : null],
  ])
}

export function itemsText({ counts, progress }: Pick<Job, 'counts' | 'progress'>): string {
  const parts = [
    `${formatCount(counts.succeeded)} succeeded`,
    ...(['failed', 'expired', 'cancelled', 'submitted', 'pending'] as const)
      .filter((status) => counts[status] > 0)
      .map((status) => `${formatCount(counts[status])} ${status}`),
  ]
  const final = counts.succeeded + counts.failed + counts.expired + counts.cancelled
  // What the provider reports of open batches is a hint, and more than what is final.
  const reported = progress.done > final ? ` (the provider reports ${formatCount(progress.done)} done)` : ''
  return `${formatCount(counts.total)}: ${parts.join(', ')}${reported}`
}

export function costText({
  cost_usd,
  simulated,
  unpriced_items,
}: Pick<Job, 'cost_usd' | 'simulated' | 'unpriced_items'>): string {
  const unpriced = unpriced_items === 0 ? '' : `, and ${countOf(unpriced_items, 'answer')} of models without a known price`
  return `${formatMoney(cost_usd)}${unpriced}${simulated ? ' (simulated, not spent)' : ' at batch price'}`
}

export function pauseText(job: Pick<Job, 'id' | 'provider'>, pause: NonNullable<Job['pause']>): string {
  const detail = pause.detail === null || pause.detail === '' ? '' : ` (${oneLine(pause.detail)})`
  return `${pause.reason}: ${pauseAdvice(pause.reason, job)}${detail}`
}

function headline(job: Job): string {
  const name = job.name === null ? '' : `${oneLine(job.name)}: `
  const durationMs = job.ended_at === null ? null : Date.parse(job.ended_at) - Date.parse(job.created_at)
  return `${name}${statusPhrase(job.status)}${durationMs === null ? '' : ` after ${formatDuration(durationMs)}`}`
}

function statusPhrase(status: JobStatus): string {
  switch (status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'expired':
    case 'paused':
    case 'validating':
    case 'queued':
    case 'finalizing':
    case 'cancelling':
      return status
    case 'in_progress':
      return 'in progress'
  }
}

function failuresText(failures: FailureClasses): string {
  return [...failures]
    .sort(([, left], [, right]) => right - left)
    .map(([errorClass, count]) => `${formatCount(count)} ${errorClass}`)
    .join(', ')
}
