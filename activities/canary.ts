import { defaultPassRate, leastEndsForRate, type JobSpec } from '../core/job-spec.ts'
import { loadJob, pauseJob, wasPausedFor, type JobRow } from '../db/job-state.ts'
import { countSucceeded } from '../db/outcomes.ts'
import { parseSpec } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { NeedsPerson } from './failures.ts'

/** How many items go first. Null: the job has no canary, or one that is all of it. */
export function canaryItems(job: JobRow, { canary }: JobSpec): number | null {
  return canary === undefined || canary.items >= job.items ? null : canary.items
}

/** After the canary's round. Throws NeedsPerson when too few of its items succeeded, unless somebody has sent the rest all the same. */
export async function requireCanaryPassed({ database }: ActivityDependencies, job: JobRow, spec: JobSpec): Promise<void> {
  const items = canaryItems(job, spec)
  if (items === null || (await wasPausedFor(database.drizzle, job.id, 'canary'))) return
  const passRate = spec.canary?.pass_rate ?? defaultPassRate
  const succeeded = await countSucceeded(database, job.id, items)
  if (succeeded < passRate * items)
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
  if (await wasPausedFor(database.drizzle, jobId, 'failure_rate')) return
  await pauseJob(database, jobId, 'failure_rate', `${failed} of ${ended} items failed, above ${percent(most)}`)
}

function percent(part: number): string {
  return `${Number((part * 100).toFixed(2))} %`
}
