import type { Job } from '../client/batchwright.ts'
import { formatDuration } from '../core/durations.ts'
import { countOf, formatCount } from './quantities.ts'
import { shorten } from './table.ts'

/** What the line shows of a job. */
export type ShownJob = Pick<
  Job,
  'status' | 'draft' | 'pause' | 'progress' | 'batches' | 'round' | 'next_poll_at' | 'created_at' | 'ended_at'
>

/** The line that is drawn over and over on a terminal: never longer than `width`, the least important parts left out first. */
export function renderLiveLine(job: ShownJob, { width, nowMs }: { width: number; nowMs: number }): string {
  const { done, failed, total } = job.progress
  const share = total === 0 ? 0 : done / total
  const counts = `${formatCount(done)}/${formatCount(total)}`
  const percent = `${Math.floor(share * 100)}%`
  // In the order of the line; what has the highest number goes first when there is no room.
  const parts: readonly Part[] = [
    [statusText(job), 1],
    [counts, 0],
    [percent, 4],
    [failed > 0 ? `${formatCount(failed)} failed` : '', 2],
    [batchesText(job), 5],
    [elapsedText(job, nowMs), 3],
    [nextPollText(job, nowMs), 6],
  ]
  for (let dropped = Number.POSITIVE_INFINITY; dropped >= 1; dropped = nextLower(parts, dropped)) {
    const kept = parts.filter(([, order]) => order < dropped)
    const room = width - [...joined(kept)].length
    // The bar says nothing that the numbers don't: it gets what is left, and only where nothing had to go for it.
    if (room >= shortestBar + 2 && dropped === Number.POSITIVE_INFINITY)
      return joined(kept.toSpliced(1, 0, [bar(share, Math.min(longestBar, room - 2)), 0]))
    if (room >= 0) return joined(kept)
  }
  return shorten(counts, width)
}

type Part = readonly [text: string, dropOrder: number]

const shortestBar = 8
const longestBar = 24

/** One line of a log: no bar, nothing left out, and the same for the same state but for the times. */
export function renderPlainLine(job: ShownJob, nowMs: number): string {
  const { done, failed, total } = job.progress
  const parts = [
    `${formatCount(done)} of ${countOf(total, 'item')} done`,
    failed > 0 ? `${formatCount(failed)} failed` : '',
    batchesText(job),
    elapsedText(job, nowMs),
    nextPollText(job, nowMs),
  ]
  return `${statusText(job)}: ${parts.filter((part) => part !== '').join(', ')}`
}

/** Equal for two states that a log need not tell apart. */
export function plainLineKey({ status, pause, progress, batches }: ShownJob): string {
  return JSON.stringify([status, pause?.reason, progress.done, progress.failed, progress.total, batches.open, batches.total])
}

function statusText({ status, pause, round, draft }: ShownJob): string {
  if (draft !== null) return 'draft'
  if (status === 'paused') return `paused (${pause?.reason ?? 'user'})`
  return status === 'in_progress' && round > 1 ? `in_progress, round ${round}` : status
}

function batchesText({ batches }: ShownJob): string {
  return batches.total === 0 ? '' : `${formatCount(batches.open)} of ${countOf(batches.total, 'batch', 'batches')} open`
}

function elapsedText({ created_at, ended_at }: ShownJob, nowMs: number): string {
  const endMs = ended_at === null ? nowMs : Date.parse(ended_at)
  return formatDuration(wholeSeconds(endMs - Date.parse(created_at))) || '0s'
}

function nextPollText({ next_poll_at, ended_at, batches }: ShownJob, nowMs: number): string {
  if (next_poll_at === null || ended_at !== null || batches.open === 0) return ''
  const leftMs = wholeSeconds(Date.parse(next_poll_at) - nowMs)
  return leftMs <= 0 ? 'polling' : `next poll in ${formatDuration(leftMs)}`
}

/** At least one second, so that the first second is no "340ms" that jumps. */
function wholeSeconds(durationMs: number): number {
  return durationMs <= 0 ? 0 : Math.max(1000, Math.round(durationMs / 1000) * 1000)
}

function bar(share: number, width: number): string {
  const filled = Math.floor(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

function joined(parts: readonly Part[]): string {
  return parts
    .map(([text]) => text)
    .filter((text) => text !== '')
    .join('  ')
}

function nextLower(parts: readonly Part[], below: number): number {
  return Math.max(0, ...parts.map(([, order]) => order).filter((order) => order < below))
}
