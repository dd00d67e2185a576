import type { Job } from '../client/batchwright.ts'
import { BatchwrightError } from '../core/errors.ts'
import { needsPerson } from '../core/statuses.ts'

/** What a shell script sees. Contract: design, section 6. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  finishedWithFailedItems: 3,
  timedOut: 4,
  needsPerson: 5,
  notFinished: 6,
  detached: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The code that a command ends with when this is how the job stands: while it still runs, 6. */
export function exitCodeOfJob({ status, pause, counts }: Pick<Job, 'status' | 'pause' | 'counts'>): ExitCode {
  switch (status) {
    case 'completed':
    // Ended by a person or by the clock: what was not answered by then never will be.
    case 'cancelled':
    case 'expired':
      return counts.succeeded === counts.total ? exitCodes.done : exitCodes.finishedWithFailedItems
    case 'failed':
      return exitCodes.failed
    case 'paused':
      return needsPerson(pause?.reason ?? null) ? exitCodes.needsPerson : exitCodes.notFinished
    case 'validating':
    case 'queued':
    case 'in_progress':
    case 'finalizing':
    case 'cancelling':
      return exitCodes.notFinished
  }
}

/** A command line that can't be carried out as it is written. */
export function usageError(message: string, details: Record<string, unknown> = {}): BatchwrightError {
  return new BatchwrightError('usage', message, { details })
}

/** What is wrong with the words on the command line, whoever found it. What is wrong with the items themselves is not among it. */
const codesOfUsage = [
  'usage',
  'invalid_duration',
  'invalid_url',
  'input_not_found',
  'input_not_readable',
  'ambiguous_job',
  'unknown_provider',
  'unknown_model',
  'invalid_schema',
]

export function exitCodeOfError(error: unknown): ExitCode {
  if (!(error instanceof BatchwrightError)) return exitCodes.failed
  if (error.code === 'wait_timeout') return exitCodes.timedOut
  return codesOfUsage.includes(error.code) ? exitCodes.usage : exitCodes.failed
}
