import { lockLaneOfBatch, releaseLease } from '../db/admission.ts'
import { loadBatch, updateBatch } from '../db/batches.ts'
import { nextPollDelayMs } from '../core/poll-cadence.ts'
import { resolvePolling } from '../core/job-spec.ts'
import { appendEvent } from '../db/job-events.ts'
import { isProvisional } from '../db/submissions.ts'
import { isTerminalAtProvider, type ProviderBatch } from '../providers/provider.ts'
import { loadContext, lookUp, requireProvider, stepOf, type BatchContext, type BatchKey } from './batch-context.ts'
import { step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { cancellationSignal } from './heartbeat.ts'
import { pauseForNotFound, runStep } from './pausing.ts'
import { tellGranted } from './room.ts'

export function createPollActivities(dependencies: ActivityDependencies) {
  const { database, settings } = dependencies
  return {
    /** Looks at a batch once and says when to look again. */
    async poll(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'poll', async () => {
        const context = await loadContext(dependencies, key)
        if (context.batch.status !== 'in_progress') return await stepOf(dependencies, key)
        const provider = requireProvider(dependencies, context.batch.provider, context.batch.simulated)
        const seen = await lookUp(() => provider.retrieve(context.batch.providerBatchId as string, cancellationSignal()))
        if (seen === null) return await pauseForNotFound(dependencies, key, context.batch, 'poll')
        if (isTerminalAtProvider(seen.status)) return await recordEnd(key, seen)
        return await recordProgress(key, context, seen)
      })
    },

    /** Asks the provider to cancel. The batch has ended only when a poll says so: finished answers are still to be kept. */
    async cancelBatch(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'poll', async () => {
        const { batch } = await loadContext(dependencies, key)
        if (batch.status !== 'in_progress') return await stepOf(dependencies, key)
        // Found by its looks alone, it may be somebody else's: that its results are ours is known when it has ended.
        if (await isProvisional(database.drizzle, key.jobId, key.batch))
          return step('poll', 0, 'not cancelled: it may not be ours')
        const provider = requireProvider(dependencies, batch.provider, batch.simulated)
        const isAsked = await lookUp(async () => {
          await provider.cancel(batch.providerBatchId as string, cancellationSignal())
          return true
        })
        if (isAsked === null) return await pauseForNotFound(dependencies, key, batch, 'poll')
        await appendEvent(database.drizzle, key.jobId, 'batch_cancel_requested', { batch: key.batch })
        return step('poll')
      })
    },
  }

  /** The provider is done with it: its room is free from here on, whatever happens to its answers. */
  async function recordEnd(key: BatchKey, seen: ProviderBatch): Promise<BatchStep> {
    const granted = await database.drizzle.transaction(async (tx) => {
      await lockLaneOfBatch(tx, key.jobId, key.batch)
      const batch = await loadBatch(tx, key.jobId, key.batch, 'lock')
      if (batch.status !== 'in_progress' || batch.providerBatchId !== seen.id) return []
      await updateBatch(tx, key.jobId, key.batch, {
        status: 'fetching',
        providerStatus: seen.rawStatus,
        reportedDone: seen.counts?.done ?? batch.reportedDone,
        reportedFailed: seen.counts?.failed ?? batch.reportedFailed,
        polls: batch.polls + 1,
        nextPollAt: null,
      })
      const others = await releaseLease(tx, key.jobId, key.batch, settings.capacity(batch.provider))
      await appendEvent(tx, key.jobId, 'batch_ended_at_provider', { batch: key.batch, status: seen.status })
      return others
    })
    await tellGranted(dependencies, granted)
    return step('fetch')
  }

  async function recordProgress(key: BatchKey, { job, batch, spec }: BatchContext, seen: ProviderBatch): Promise<BatchStep> {
    const now = Date.now()
    const done = seen.counts === null ? null : seen.counts.done + seen.counts.failed
    const haveCountsMoved =
      (seen.counts?.done ?? null) !== batch.reportedDone || (seen.counts?.failed ?? null) !== batch.reportedFailed
    const submittedAt = batch.submittedAt ?? batch.createdAt
    // Both ages are compared, so both are by this worker's clock, from a start by the provider's. Another worker's may be some seconds off,
    // which moves a poll by less than that.
    const progressedAt = haveCountsMoved ? new Date(now) : (batch.progressedAt ?? submittedAt)
    const waitMs = nextPollDelayMs(resolvePolling(spec.polling, ...settings.polling(batch.provider)), {
      elapsedMs: Math.max(0, now - submittedAt.getTime()),
      done,
      total: batch.items,
      sinceProgressMs: Math.max(0, now - progressedAt.getTime()),
      polls: batch.polls + 1,
      expiresInMs: seen.expiresAt === null ? null : seen.expiresAt.getTime() - now,
    })
    const hasChanged = seen.rawStatus !== batch.providerStatus || haveCountsMoved
    await database.drizzle.transaction(async (tx) => {
      const current = await loadBatch(tx, key.jobId, key.batch, 'lock')
      if (current.status !== 'in_progress' || current.providerBatchId !== seen.id) return
      await updateBatch(tx, key.jobId, key.batch, {
        providerStatus: seen.rawStatus,
        reportedDone: seen.counts?.done ?? null,
        reportedFailed: seen.counts?.failed ?? null,
        progressedAt,
        expiresAt: seen.expiresAt,
        polls: batch.polls + 1,
        nextPollAt: new Date(now + waitMs),
      })
      if (hasChanged) {
        await appendEvent(tx, key.jobId, 'batch_progress', {
          batch: key.batch,
          provider_status: seen.rawStatus,
          done: seen.counts?.done ?? null,
          failed: seen.counts?.failed ?? null,
          items: batch.items,
        })
      }
    })
    // A signal may have gone to an earlier run of the workflow; the row is there for all.
    const cancelDue = job.cancelRequestedAt !== null && seen.status !== 'cancelling'
    return { ...step('poll', waitMs, `${seen.rawStatus}${done === null ? '' : `, ${done} of ${batch.items}`}`), cancelDue }
  }
}
