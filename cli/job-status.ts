import type { Job } from '../client/batchwright.ts'
import { formatDuration } from '../core/durations.ts'
import { costText, itemsText, pauseText } from './job-summary.ts'
import { countOf, formatAge, formatCount } from './quantities.ts'
import { oneLine, renderBlock } from './table.ts'

/** A job as a readable block. */
export function renderStatus(job: Job, nowMs: number): string {
  const tags = Object.entries(job.tags).map(([key, value]) => `${key}=${value}`)
  const endpoint = job.endpoint === null ? '' : ` (${job.endpoint})`
  return renderBlock([
    ['Job', job.name === null ? job.id : `${job.id}  ${oneLine(job.name)}`],
    ['Status', job.draft === null ? job.status : `${job.status}: ${draftText(job, job.draft)}`],
    ['Paused', job.status !== 'paused' || job.pause === null ? null : pauseText(job, job.pause)],
    ['Error', job.error === null ? null : `${oneLine(job.error.message)} (${job.error.code})`],
    ['Model', `${job.provider}/${job.model ?? '(as each line says)'}${endpoint}${job.simulated ? ', simulated' : ''}`],
    ['Items', itemsText(job)],
    [
      'Batches',
      job.batches.total === 0
        ? null
        : `${formatCount(job.batches.total)}, ${formatCount(job.batches.open)} open; round ${job.round}`,
    ],
    ['Sent again', job.earlier_attempts === 0 ? null : countOf(job.earlier_attempts, 'attempt')],
    ['Tokens', `${formatCount(job.usage.input_tokens)} in, ${formatCount(job.usage.output_tokens)} out`],
    ['Cost', costText(job)],
    ['Priority', job.priority],
    ['Tags', tags.length === 0 ? null : oneLine(tags.join(', '))],
    ['Created', `${job.created_at} (${formatAge(job.created_at, nowMs)})`],
    [
      'Ended',
      job.ended_at === null
        ? null
        : `${job.ended_at} (took ${formatDuration(Date.parse(job.ended_at) - Date.parse(job.created_at))})`,
    ],
    ['Next poll', nextPoll(job, nowMs)],
    ['Workflow', job.temporal_ui_url],
  ])
}

function draftText({ id }: Job, { next_part }: NonNullable<Job['draft']>): string {
  return `a draft of ${countOf(next_part - 1, 'part')}; add to it with \`batchwright append ${id} FILE\`, let it run with \`batchwright start ${id}\``
}

function nextPoll({ next_poll_at, ended_at }: Job, nowMs: number): string | null {
  if (next_poll_at === null || ended_at !== null) return null
  const leftMs = Date.parse(next_poll_at) - nowMs
  return leftMs <= 0 ? 'now' : `in ${formatDuration(Math.max(1000, leftMs))}`
}
