import { ApplicationFailure } from '@temporalio/activity'
import { BatchwrightError, describeError } from '../core/errors.ts'
import type { PauseReason } from '../core/statuses.ts'
import { ProviderError } from '../providers/provider.ts'

/** Thrown where a job is to pause until a person decides. */
export class NeedsPerson extends Error {
  readonly reason: PauseReason

  constructor(reason: PauseReason, detail: string) {
    super(detail)
    this.name = 'NeedsPerson'
    this.reason = reason
  }
}

/** What only a person can mend, as a reason to pause, or null. */
export function pauseReasonOf(error: unknown): PauseReason | null {
  if (error instanceof NeedsPerson) return error.reason
  if (error instanceof ProviderError && error.kind === 'auth') return 'auth'
  if (error instanceof BatchwrightError && error.code === 'provider_unconfigured') return 'provider_unconfigured'
  return null
}

/** Errors of ours that no retry mends: they end the job as `failed`, with this code. */
const permanentCodes = new Set(['job_not_found', 'batch_not_found', 'invariant_broken'])

/**
 * An error as Temporal's retries should see it: `Retry-After` is honoured, what can't change is not tried again, and everything else is
 * tried for as long as it takes.
 */
export function toFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error
  if (error instanceof ProviderError) {
    return ApplicationFailure.create({
      message: describeError(error),
      type: `provider_${error.kind}`,
      nonRetryable: false,
      ...(error.retryAfterMs === null ? {} : { nextRetryDelay: error.retryAfterMs }),
    })
  }
  const code = error instanceof BatchwrightError ? error.code : 'internal'
  return ApplicationFailure.create({
    message: describeError(error),
    type: code,
    nonRetryable: permanentCodes.has(code),
    ...(error instanceof Error ? { cause: error } : {}),
  })
}

/** Runs an activity's work, with its errors as Temporal should see them. */
export async function withFailures<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw toFailure(error)
  }
}
