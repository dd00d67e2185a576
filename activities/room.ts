import { batchWorkflowId } from '../core/job-id.ts'
import { describeError } from '../core/errors.ts'
import { lockLaneOfBatch, releaseLease, requeue, returnRoom, type Granted } from '../db/admission.ts'
import { databaseNow, loadBatch, splitBatch, updateBatch, type BatchRow } from '../db/batches.ts'
import type { Query } from '../db/database.ts'
import { appendEvent } from '../db/job-events.ts'
import { loadJob } from '../db/job-state.ts'
import { closeSubmission, findLiveSubmission } from '../db/submissions.ts'
import { parseSpec, retryPolicy, stepOf, type BatchKey } from './batch-context.ts'
import type { BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'

/*
 * Giving up room at a provider. Each of these takes the lane's lock first, then the batch's row, and tells those that the room went to.
 */

type Change = (query: Query, batch: BatchRow) => Promise<Granted[]>

async function withRoom(dependencies: ActivityDependencies, key: BatchKey, change: Change): Promise<void> {
  const granted = await dependencies.database.drizzle.transaction(async (tx) => {
    await lockLaneOfBatch(tx, key.jobId, key.batch)
    return await change(tx, await loadBatch(tx, key.jobId, key.batch, 'lock'))
  })
  await tellGranted(dependencies, granted)
}

/**
 * Ends a batch of which nothing was sent. With `rest`, its items that have no outcome go on in a batch of their own: a file always holds
 * all items of its batch.
 */
export async function endUnsent(
  dependencies: ActivityDependencies,
  key: BatchKey,
  then: 'nothing' | 'rest' = 'nothing',
): Promise<BatchStep> {
  await withRoom(dependencies, key, async (query, batch) => {
    if (batch.status !== 'planned') return []
    if (then === 'rest') await splitBatch(query, batch, 1)
    await updateBatch(query, key.jobId, key.batch, { status: 'ended', result: 'not_sent', endedAt: databaseNow })
    const granted = await releaseLease(query, key.jobId, key.batch, dependencies.settings.capacity(batch.provider))
    await appendEvent(query, key.jobId, 'batch_ended', { batch: key.batch, result: 'not_sent' })
    return granted
  })
  return await stepOf(dependencies, key)
}

/**
 * Lets others have the room of a batch of which nothing is at the provider, for as long as its job is paused. Its place in the queue is kept; it
 * is uploaded anew when it has room again. False, and nothing changed: something of it was sent, or may have been.
 */
export async function giveBackRoom(dependencies: ActivityDependencies, key: BatchKey): Promise<boolean> {
  let isUnsent = false
  await withRoom(dependencies, key, async (query, batch) => {
    const isSent = batch.status === 'submitting' && (await findLiveSubmission(query, key.jobId, key.batch)) !== null
    if (isSent || (batch.status !== 'planned' && batch.status !== 'submitting')) return []
    isUnsent = true
    await updateBatch(query, key.jobId, key.batch, { status: 'planned' })
    const { priority } = await loadJob(query, key.jobId)
    return await returnRoom(query, batch, priority, dependencies.settings.capacity(batch.provider))
  })
  return isUnsent
}

/**
 * Puts a batch that the provider had no room for, or no key, back to `planned` and in the queue. It costs no round. Its wait doubles with
 * each refusal, from the retry backoff to 32 times that.
 */
export async function backToAdmission(
  dependencies: ActivityDependencies,
  seen: BatchRow,
  code: string,
  message: string,
): Promise<void> {
  const key = { jobId: seen.jobId, batch: seen.batch }
  await withRoom(dependencies, key, async (query, batch) => {
    // Decided by a try that may be late: only what it saw is put back, not what came after it.
    if (batch.status !== seen.status || batch.attempt !== seen.attempt || batch.providerBatchId !== seen.providerBatchId)
      return []
    const job = await loadJob(query, key.jobId)
    const live = await findLiveSubmission(query, key.jobId, key.batch)
    // Refused as a batch: it was created. One of any other state is somebody else's try, which this one knows nothing of.
    if (live !== null && live.state !== 'created') return []
    if (live !== null) await closeSubmission(query, live.id, 'created', 'abandoned', `${code}: ${message}`)
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
    const granted = await requeue(query, batch, job.priority, delayMs, dependencies.settings.capacity(batch.provider))
    await appendEvent(query, key.jobId, 'batch_readmitted', { batch: key.batch, code, message, delay_ms: delayMs })
    return granted
  })
}

/** Tells the workflows of batches that got room. Best effort: their fallback timer finds the lease too. */
export async function tellGranted({ workflows, logger }: ActivityDependencies, granted: readonly Granted[]): Promise<void> {
  await Promise.all(
    granted.map(async ({ jobId, batch }) => {
      try {
        await workflows.getHandle(batchWorkflowId(jobId, batch)).signal('admitted')
      } catch (error) {
        logger.warn({ jobId, batch, error: describeError(error) }, 'a batch with a new lease could not be told')
      }
    }),
  )
}
