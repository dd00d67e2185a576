import { requestAdmission } from '../db/admission.ts'
import type { BatchRow } from '../db/batches.ts'
import type { ProviderCapacity } from '../core/admission.ts'
import { BatchwrightError } from '../core/errors.ts'
import { isTerminalJobStatus } from '../core/statuses.ts'
import { loadContext, requireProvider, type BatchKey } from './batch-context.ts'
import { phaseOf, step, withSize, type BatchStep, type ProviderQueue } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { withFailures } from './failures.ts'
import { runStep } from './pausing.ts'
import { endUnsent, giveBackRoom, tellGranted } from './room.ts'

/** A waiting batch is signalled when it gets room; this is only in case the signal is lost. */
const admissionFallbackMs = 5 * 60_000

export function createAdmitActivities(dependencies: ActivityDependencies) {
  const { database, settings } = dependencies
  return {
    /** Where a batch stands: what a new run of its workflow starts from. */
    async findStep(key: BatchKey): Promise<BatchStep & { queue: ProviderQueue; cancelRequested: boolean }> {
      return await withFailures(async () => {
        const { batch, job } = await loadContext(dependencies, key)
        return {
          ...withSize(step(phaseOf(batch.status)), batch),
          queue: { provider: batch.provider, simulated: batch.simulated, unservedAfterMs: settings.unserved.afterMs },
          cancelRequested: job.cancelRequestedAt !== null,
        }
      })
    },

    /** Asks for room at the provider. */
    async admit(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'admit', async () => {
        const { job, batch } = await loadContext(dependencies, key)
        if (batch.status !== 'planned') return step(phaseOf(batch.status))
        if (job.cancelRequestedAt !== null || isTerminalJobStatus(job.status)) return await endUnsent(dependencies, key)
        // What waits for a person or for `resume` is woken by a signal.
        if (job.status !== 'in_progress') {
          await giveBackRoom(dependencies, key)
          return step('admit', null, job.pauseReason === null ? job.status : `paused: ${job.pauseReason}`)
        }
        const admission = await requestAdmission(database, key.jobId, key.batch, requireCapacity(batch))
        await tellGranted(dependencies, admission.others)
        if (admission.granted) return step('upload')
        return step(
          'admit',
          admission.notBeforeMs > 0 ? admission.notBeforeMs + 50 : admissionFallbackMs,
          'waits for room at the provider',
        )
      })
    },
  }

  /** Only a worker that can send a batch may give it room: throws `provider_unconfigured`, which pauses the job. */
  function requireCapacity(batch: BatchRow): ProviderCapacity {
    requireProvider(dependencies, batch.provider, batch.simulated)
    const capacity = settings.capacity(batch.provider)
    if (capacity === null)
      throw new BatchwrightError('provider_unconfigured', `the configuration of this worker has no provider "${batch.provider}"`)
    return capacity
  }
}
