import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, JobCommand } from '../api/contracts/jobs.ts'
import { isTerminalJobStatus } from '../core/statuses.ts'

const pauseMs = 100
const longestWaitMs = 10_000

/**
 * Looks at the job until the command has taken effect, for ten seconds at most (no worker runs, or the job is paused again at once), and returns it as it
 * then is. Without this, `retry` followed by `wait` would see the job as it ended before.
 */
export async function afterEffect(command: JobCommand, accepted: Job, getJob: () => Promise<Job>): Promise<Job> {
  const deadlineMs = performance.now() + longestWaitMs
  let job = accepted
  while (!hasTakenEffect(command, accepted, job) && performance.now() < deadlineMs) {
    await sleep(pauseMs)
    job = await getJob()
  }
  return job
}

/** `accepted` is the job as it was when the API accepted the command, mostly before the effect. */
export function hasTakenEffect(command: JobCommand, accepted: Job, job: Job): boolean {
  const isOver = isTerminalJobStatus(job.status)
  switch (command) {
    case 'cancel':
      return job.status === 'cancelling' || isOver
    case 'pause':
      return job.status === 'paused' || job.status === 'finalizing' || isOver
    case 'resume':
      return job.status !== 'paused'
    case 'retry':
      // It may even have ended again by now.
      return !isOver || job.ended_at !== accepted.ended_at
    // Nothing of a poll shows in the job.
    case 'poll':
      return true
  }
}
