import type { Lane } from './task-queues.ts'

/** Job ids are 12 random characters without look-alikes (58 bits), so that a short prefix names a job. */
export const jobIdLength = 12
export const jobIdPattern = /^[2-9a-hjkmnp-z]{12}$/

const alphabet = '23456789abcdefghjkmnpqrstuvwxyz'

export function createJobId(randomBytes: Uint8Array): string {
  if (randomBytes.length < jobIdLength) throw new RangeError(`a job id needs ${jobIdLength} random bytes`)
  let id = ''
  for (let index = 0; index < jobIdLength; index++) id += alphabet[(randomBytes[index] as number) % alphabet.length]
  return id
}

/** The Temporal workflow id of a job. */
export function jobWorkflowId(jobId: string): string {
  return `job-${jobId}`
}

/** The Temporal workflow id of one batch of a job. `batch` counts from 1 within the job and never restarts. */
export function batchWorkflowId(jobId: string, batch: number): string {
  return `job-${jobId}-batch-${batch}`
}

/** The name of one attempt of a batch at its provider, where some batches are told by nothing else. No two attempts share one. */
export function batchDisplayName({ jobId, batch, attempt }: { jobId: string; batch: number; attempt: number }): string {
  return `${batchWorkflowId(jobId, batch)}-attempt-${attempt}`
}

/** What a workflow id of ours names, or null for one that is not ours. */
export function parseWorkflowId(workflowId: string): { jobId: string; batch: number | null } | null {
  const match = /^job-([2-9a-hjkmnp-z]{12})(?:-batch-([1-9][0-9]*))?$/.exec(workflowId)
  return match === null ? null : { jobId: match[1] as string, batch: match[2] === undefined ? null : Number(match[2]) }
}

export const janitorWorkflowId = 'janitor'

/** The workflow id of a check of a provider: those that ask at the same time share one. */
export function providerCheckWorkflowId({ provider, simulated }: Lane): string {
  return `check-${provider}${simulated ? '-simulated' : ''}`
}
