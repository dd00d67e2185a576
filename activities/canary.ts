import { defaultPassRate, leastEndsForRate, type JobSpec } from '../core/job-spec.ts'
import { hasBatchPast } from '../db/batches.ts'
import { loadJob, pauseJob, wasResumedFrom, type JobRow } from '../db/job-state.ts'
import { countEnds } from '../db/outcomes.ts'
import { parseSpec } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { NeedsPerson } from './failures.ts'

/**
 * The seq up to which the next round goes while the canary is under way; null when the job has none, it has passed, or a person has sent the rest all the
 * same. It has all the rounds that its items may have, and is judged when each of them has an outcome, or no round is left. Throws NeedsPerson when too few
 * of them succeeded.
 */
export async function canaryLimit(
  { database }: ActivityDependencies,
  job: JobRow,
  { canary }: JobSpec,
  hasRound: boolean,
): Promise<number | null> {
  if (canary === undefined || canary.items >= job.items || (await hasBatchPast(database.sql, job.id, canary.items))) return null
  const { items, pass_rate: passRate = defaultPassRate } = canary
  const { ended, succeeded } = await countEnds(database, job.id, items)
  if (ended < items && hasRound) return items
  if (succeeded >= passRate * items || (await wasResumedFrom(database.drizzle, job.id, 'canary'))) return null
  throw new NeedsPerson('canary', `${succeeded} of the first ${items} items succeeded, below ${percent(passRate)}`)
}

/** Pauses a job of whose items more have failed than it allows, once; what is at the provider goes on. */
export async function pauseIfFailing({ database }: ActivityDependencies, jobId: string): Promise<void> {
  const job = await loadJob(database.drizzle, jobId)
  const { max_failure_rate: most } = parseSpec(job)
  if (most === undefined || job.status !== 'in_progress') return
  const failed = job.failed + job.expired
  const ended = job.succeeded + failed
  if (ended < leastEndsForRate || ended >= job.items || failed <= most * ended) return
  if (await wasResumedFrom(database.drizzle, jobId, 'failure_rate')) return
  await pauseJob(database, jobId, 'failure_rate', `${failed} of ${ended} items failed, above ${percent(most)}`)
}

function percent(part: number): string {
  return `${Number((part * 100).toFixed(2))} %`
}
