import { describeError } from '../core/errors.ts'
import type { PauseReason } from '../core/statuses.ts'
import { loadBatch, type BatchRow } from '../db/batches.ts'
import { pauseJob } from '../db/job-state.ts'
import { ProviderError } from '../providers/provider.ts'
import type { BatchKey } from './batch-context.ts'
import { isTransfer, step, withSize, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { pauseReasonOf, toFailure } from './failures.ts'
import { giveBackRoom } from './room.ts'

/**
 * Runs one step of a batch. What only a person can mend pauses the job and leaves the batch where it is; everything else that fails is
 * Temporal's to try again.
 */
export async function runStep(
  dependencies: ActivityDependencies,
  key: BatchKey,
  again: BatchStep['phase'],
  work: () => Promise<BatchStep>,
): Promise<BatchStep> {
  try {
    const next = await work()
    return isTransfer(next) ? withSize(next, await loadBatch(dependencies.database.drizzle, key.jobId, key.batch)) : next
  } catch (error) {
    const reason = pauseReasonOf(error)
    if (reason === null) throw toFailure(error)
    return await pauseForPerson(dependencies, key, reason, describeError(error), again)
  }
}

/** Pauses the job until somebody resumes it. A batch of which nothing was sent gives its room to others meanwhile. */
export async function pauseForPerson(
  dependencies: ActivityDependencies,
  key: BatchKey,
  reason: PauseReason,
  detail: string,
  again: BatchStep['phase'],
): Promise<BatchStep> {
  dependencies.logger.warn({ ...key, reason, detail }, 'job paused: a person is needed')
  await pauseJob(dependencies.database, key.jobId, reason, detail)
  const isUnsent = await giveBackRoom(dependencies, key)
  return step(isUnsent ? 'admit' : again, null, `paused: ${reason}`)
}

/**
 * Another project's key, most likely: what was paid for must not be given up by a timer. A batch that was created a moment ago may not be there yet
 * (https://github.com/anthropics/anthropic-sdk-python/issues/1432): for as long as a created one may be missing in the list, it is looked for again.
 */
export async function pauseForNotFound(
  dependencies: ActivityDependencies,
  key: BatchKey,
  batch: BatchRow,
  again: BatchStep['phase'],
): Promise<BatchStep> {
  const { settleAfterMs } = dependencies.settings.submission(batch.provider)
  if (batch.submittedAt !== null && Date.now() - batch.submittedAt.getTime() < settleAfterMs)
    throw new ProviderError(`${batch.provider} does not know ${batch.providerBatchId} yet`, {
      kind: 'transient',
      httpStatus: 404,
    })
  const detail = `${batch.provider} does not know ${batch.providerBatchId} (batch ${key.batch}): is the key of the same project set?`
  return await pauseForPerson(dependencies, key, 'provider_batch_not_found', detail, again)
}
