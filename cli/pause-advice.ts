import type { PauseReason } from '../core/statuses.ts'

/** Why a job is paused and what a person can do about it, as one line without the job's own detail. */
export function pauseAdvice(reason: PauseReason, job: { readonly id: string; readonly provider: string }): string {
  const resume = `batchwright resume ${job.id}`
  switch (reason) {
    case 'user':
      return `paused by hand; go on with: ${resume}`
    case 'auth':
      return `${job.provider} refused the API key: set a valid one where the worker runs, restart the worker, then: ${resume}`
    case 'submission_unknown':
      return `it can't be told whether ${job.provider} has created a batch, so nothing of it is sent again. Where another key is set now than it was sent with: set that one, restart the worker, then: ${resume}`
    case 'provider_batch_not_found':
      return `${job.provider} does not know a batch of this job or its results. If the key belongs to another project: set the key that it was created with, restart the worker, then: ${resume}`
    case 'provider_unconfigured':
      return `no worker can talk to ${job.provider} for this job: configure it as it was when the job was created (key, --simulate), restart the worker, then: ${resume}`
    case 'canary':
      return `too few of its first items succeeded, and nothing else was sent: look at them with batchwright results ${job.id}, then send the rest all the same with: ${resume}, or: batchwright cancel ${job.id}`
    case 'failure_rate':
      return `more of its items fail than it allows: look at them with batchwright items ${job.id} --status failed, then go on all the same with: ${resume}, or: batchwright cancel ${job.id}`
    case 'budget':
      return `its budget is used up: raise it, then: ${resume}`
  }
}
