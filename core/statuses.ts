/** A job's status: the providers' own vocabulary, plus `paused` with a reason. */
export const jobStatuses = [
  'validating',
  'queued',
  'in_progress',
  'finalizing',
  'completed',
  'failed',
  'cancelling',
  'cancelled',
  'expired',
  'paused',
] as const
export type JobStatus = (typeof jobStatuses)[number]

/** The one end of an item. */
export const outcomeStatuses = ['succeeded', 'failed', 'expired', 'cancelled'] as const
export type OutcomeStatus = (typeof outcomeStatuses)[number]

export const itemStatuses = ['pending', 'submitted', ...outcomeStatuses] as const
export type ItemStatus = (typeof itemStatuses)[number]

/**
 * Why a job is paused. `user` is the user's own `pause`; all others need a person and end with exit code 5 of the CLI.
 * - `auth`: the provider refused the key.
 * - `submission_unknown`: whether a batch was created can't be decided; `settle` decides it.
 * - `provider_batch_not_found`: the provider does not know a batch of ours (404, another project's key).
 * - `provider_unconfigured`: this worker has no such provider, or not in the job's (real or simulated) form.
 * - `budget`: a hard budget would be exceeded.
 * - `canary`: too few of the items that went first succeeded.
 * - `failure_rate`: more of the items that have ended failed than the job allows.
 */
export const pauseReasons = [
  'user',
  'auth',
  'submission_unknown',
  'provider_batch_not_found',
  'provider_unconfigured',
  'budget',
  'canary',
  'failure_rate',
] as const
export type PauseReason = (typeof pauseReasons)[number]

/**
 * A batch's status in our books. `planned`: its items are fixed, nothing was sent. `submitting`: a submission is under way or
 * unsettled. `in_progress`: it exists at the provider. `fetching`: the provider is done with it, its answers are being read.
 * `ended`: its answers are merged and its lease is given back; `result` says how it ended.
 */
export const batchStatuses = ['planned', 'submitting', 'in_progress', 'fetching', 'ended'] as const
export type BatchStatus = (typeof batchStatuses)[number]

/** How a batch ended: the provider's terminal status, or `not_sent` when it was cancelled before it was sent. */
export const batchResults = ['completed', 'failed', 'expired', 'cancelled', 'not_sent'] as const
export type BatchResult = (typeof batchResults)[number]

/** Where a submission stands. */
export const submissionStates = [
  /** Written down; nothing has left yet. */
  'intended',
  /** The request may have left. Until it is settled, nobody sends this batch again. */
  'sending',
  /** The provider's id is known. */
  'created',
  /** The provider has certainly created nothing. */
  'not_created',
  /** Two complete listings after the deadline did not show it. A twin that appears later is cancelled by the janitor. */
  'absent',
  /** Undecidable: a person settles it. */
  'quarantined',
  /** Created, then refused whole by the provider, or given up by a person. */
  'abandoned',
] as const
export type SubmissionState = (typeof submissionStates)[number]

/** The job's workflow has nothing left to do; only `retry` starts it again. */
export function isTerminalJobStatus(status: JobStatus): boolean {
  switch (status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'expired':
      return true
    case 'validating':
    case 'queued':
    case 'in_progress':
    case 'finalizing':
    case 'cancelling':
    case 'paused':
      return false
  }
}

/** Paused by something that no timer mends: a person must act (exit code 5). */
export function needsPerson(reason: PauseReason | null): boolean {
  return reason !== null && reason !== 'user'
}
