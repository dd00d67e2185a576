import { releaseLease, lockLaneOfBatch, requestAdmission, requeue, type Granted } from '../db/admission.ts'
import { loadBatch, updateBatch } from '../db/batches.ts'
import type { Query } from '../db/database.ts'
import { appendEvent } from '../db/job-events.ts'
import { loadJob } from '../db/job-state.ts'
import { isTerminalJobStatus, type BatchStatus } from '../core/statuses.ts'
import { closeSubmission, findLiveSubmission } from '../db/submissions.ts'
import { loadContext, parseSpec, retryPolicy, runStep, tellGranted, type BatchKey } from './batch-context.ts'
import { step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'

/** A waiting batch is signalled when it gets room; this is only in case the signal is lost. */
const admissionFallbackMs = 5 * 60_000

export function createAdmitActivities(dependencies: ActivityDependencies) {
  const { database, settings } = dependencies
  return {
    /** Where a batch stands: what a new run of its workflow starts from. */
    async findStep(key: BatchKey): Promise<BatchStep & { provider: string }> {
      const { batch } = await loadContext(dependencies, key)
      return { ...step(phaseOf(batch.status)), provider: batch.provider }
    },

    /** Asks for room at the provider. */
    async admit(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'admit', async () => {
        const { job, batch } = await loadContext(dependencies, key)
        if (batch.status !== 'planned') return step(phaseOf(batch.status))
        if (job.cancelRequestedAt !== null || isTerminalJobStatus(job.status)) return await endUnsent(dependencies, key)
        // What waits for a person or for `resume` is woken by a signal.
        if (job.status === 'paused') return step('admit', null, `paused: ${job.pauseReason}`)
        const admission = await requestAdmission(database, key.jobId, key.batch, settings.capacity(batch.provider))
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
}

/** Ends a batch of which nothing was sent, and passes its room on. */
export async function endUnsent(dependencies: ActivityDependencies, key: BatchKey): Promise<BatchStep> {
  const { database, settings } = dependencies
  const granted = await database.drizzle.transaction(async (tx) => {
    await lockLaneOfBatch(tx, key.jobId, key.batch)
    const batch = await loadBatch(tx, key.jobId, key.batch, 'lock')
    if (batch.status !== 'planned') return []
    await updateBatch(tx, key.jobId, key.batch, { status: 'ended', result: 'not_sent', endedAt: new Date() })
    const others = await releaseLease(tx, key.jobId, key.batch, settings.capacity(batch.provider))
    await appendEvent(tx, key.jobId, 'batch_ended', { batch: key.batch, result: 'not_sent' })
    return others
  })
  await tellGranted(dependencies, granted)
  const batch = await loadBatch(database.drizzle, key.jobId, key.batch)
  return step(phaseOf(batch.status))
}

/** Where a batch in this status goes on. */
export function phaseOf(status: BatchStatus): BatchStep['phase'] {
  switch (status) {
    case 'planned':
      return 'admit'
    // `submit` looks at the submission's row first, and sends nothing that may have been sent.
    case 'submitting':
      return 'submit'
    case 'in_progress':
      return 'poll'
    case 'fetching':
      return 'fetch'
    case 'ended':
      return 'ended'
  }
}

/**
 * Puts a batch that the provider had no room for back to `planned` and in the queue. It costs no round. The caller's transaction holds the
 * lane's lock. Its wait doubles with each refusal, from the retry backoff to 32 times that.
 */
export async function backToAdmission(
  dependencies: ActivityDependencies,
  query: Query,
  key: BatchKey,
  code: string,
  message: string,
): Promise<Granted[]> {
  const { settings } = dependencies
  const batch = await loadBatch(query, key.jobId, key.batch, 'lock')
  const job = await loadJob(query, key.jobId)
  const live = await findLiveSubmission(query, key.jobId, key.batch)
  if (live !== null) await closeSubmission(query, live.id, live.state, 'abandoned', `${code}: ${message}`)
  const granted = await releaseLease(query, key.jobId, key.batch, settings.capacity(batch.provider))
  const delayMs = retryPolicy(dependencies, batch.provider, parseSpec(job)).backoffMs * 2 ** Math.min(batch.readmissions, 5)
  await updateBatch(query, key.jobId, key.batch, {
    status: 'planned',
    readmissions: batch.readmissions + 1,
    providerBatchId: null,
    providerStatus: null,
    submittedAt: null,
    expiresAt: null,
    nextPollAt: null,
    errorCode: code,
    errorMessage: message,
  })
  await requeue(query, batch, job.priority, delayMs)
  await appendEvent(query, key.jobId, 'batch_readmitted', { batch: key.batch, code, message, delay_ms: delayMs })
  return granted
}
