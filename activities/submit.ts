import { randomBytes } from 'node:crypto'
import { describeError } from '../core/errors.ts'
import { createToken } from '../core/item-id.ts'
import { loadBatch, recordUpload } from '../db/batches.ts'
import { appendEvent } from '../db/job-events.ts'
import { loadJob } from '../db/job-state.ts'
import {
  claimSending,
  closeSubmission,
  findLiveSubmission,
  intendSubmission,
  noteAmbiguity,
  recordCreated,
  settleableInMs,
  type SubmissionRow,
} from '../db/submissions.ts'
import { ProviderError, type Provider, type ProviderBatch } from '../providers/provider.ts'
import { defaultsFor, loadContext, requireProvider, retryPolicy, type BatchContext, type BatchKey } from './batch-context.ts'
import { phaseOf, step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { cancellationSignal } from './heartbeat.ts'
import { failItems } from './judge.ts'
import { runStep } from './pausing.ts'
import { backToAdmission, endUnsent, giveBackRoom } from './room.ts'
import { spoolBatch } from './spool.ts'

/*
 * Submission, exactly once (design, section 3, step 5). The order of writes is the whole point:
 * upload → intent row → compare-and-set to `sending` → POST → `created`. Whoever finds a row in `sending` that is not his own knows that the
 * request may have left, and sends nothing until `settle` has decided.
 */
export function createSubmitActivities(dependencies: ActivityDependencies) {
  const { database, settings, reach } = dependencies
  return {
    /** Renders the batch into a file and uploads it. Every upload has a token, a file name and a file of its own. */
    async upload(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'upload', () => uploadBatch(key, cancellationSignal()))
    },

    /** Creates the batch at the provider with one POST, unless an earlier one may have done so. */
    async submit(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'submit', () => submitBatch(key))
    },
  }

  async function uploadBatch(key: BatchKey, signal: AbortSignal): Promise<BatchStep> {
    const context = await loadContext(dependencies, key)
    const { batch, job, spec } = context
    if (batch.status !== 'planned') return step(phaseOf(batch.status))
    if (job.status !== 'in_progress') return step('admit')
    const provider = requireProvider(dependencies, batch.provider, batch.simulated)
    const defaults = defaultsFor(context, retryPolicy(dependencies, batch.provider, spec))
    const token = createToken(randomBytes(32))
    const attempt = batch.attempt + 1
    const spool = await spoolBatch(dependencies, context, provider, defaults, token, signal)
    try {
      if (spool.refused.length > 0) await failItems(dependencies, context, spool.refused)
      if (spool.lines === 0) return await endUnsent(dependencies, key)
      const fileName = `job-${key.jobId}-batch-${key.batch}-attempt-${attempt}-${token}.jsonl`
      const { inputFileId } = await provider.upload({ fileName, path: spool.path, endpoint: batch.endpoint, signal })
      await reach('upload.before_record')
      // Another try of this activity may have been faster: its file is the one then, and ours expires by itself.
      await recordUpload(database.drizzle, batch, {
        attempt,
        token,
        inputFileId,
        requestHash: spool.hash,
        keyFingerprint: provider.keyFingerprint,
      })
      return step('submit')
    } finally {
      await spool.remove()
    }
  }

  async function submitBatch(key: BatchKey): Promise<BatchStep> {
    const context = await loadContext(dependencies, key)
    const { batch } = context
    if (batch.status !== 'submitting') return step(phaseOf(batch.status))
    const provider = requireProvider(dependencies, batch.provider, batch.simulated)
    const earlier = await findLiveSubmission(database.drizzle, key.jobId, key.batch)
    if (earlier !== null) {
      if (earlier.state === 'created') return step('poll')
      if (earlier.state === 'quarantined') return step('settle', null, 'waits for a person: submission unknown')
      if (earlier.state === 'sending') return await waitToSettle(earlier, 'an earlier try may have reached the provider')
      // `intended`: by a try that stopped before its POST, or that is about to make it. Whoever changes the row first, decides.
      if (!(await closeSubmission(database.drizzle, earlier.id, 'intended', 'not_created', 'taken over before it was sent'))) {
        return step('submit', 1000)
      }
    }
    const job = await loadJob(database.drizzle, key.jobId)
    // Paused or cancelled since the upload: nothing was sent, so the room goes to others.
    if (job.status !== 'in_progress') {
      await giveBackRoom(dependencies, key)
      return step('admit')
    }
    const submission = await intendSubmission(database.drizzle, batch, settings.submission(batch.provider).sendWindowMs)
    if (submission === null) return step('submit', 1000)
    await reach('submit.after_intent')
    const remainingMs = await claimSending(database.drizzle, submission.id)
    if (remainingMs === null) return step('submit', 100)
    return await send(key, context, provider, submission, remainingMs)
  }

  async function send(
    key: BatchKey,
    { batch, job }: BatchContext,
    provider: Provider,
    submission: SubmissionRow,
    remainingMs: number,
  ): Promise<BatchStep> {
    // The monotonic clock goes on while a process is stopped, so a POST can't leave after the deadline.
    const deadline = performance.now() + remainingMs
    let created: ProviderBatch
    try {
      await reach('submit.before_post')
      created = await provider.create({
        inputFileId: batch.inputFileId,
        endpoint: batch.endpoint,
        model: batch.model,
        displayName: `job-${key.jobId}-batch-${key.batch}-attempt-${batch.attempt}`,
        signal: AbortSignal.timeout(Math.max(1, Math.floor(remainingMs))),
        beforeSend: () => {
          if (performance.now() >= deadline) {
            throw new ProviderError('the deadline for sending has passed', { kind: 'transient', certainlyNotApplied: true })
          }
        },
      })
      await reach('submit.after_accept')
    } catch (error) {
      if (!(error instanceof ProviderError) || !error.certainlyNotApplied) {
        await noteAmbiguity(database.drizzle, submission.id, describeError(error))
        return await waitToSettle(submission, describeError(error))
      }
      await closeSubmission(database.drizzle, submission.id, 'sending', 'not_created', describeError(error))
      if (error.code !== 'token_limit_exceeded') throw error
      await backToAdmission(dependencies, key, error.code, error.message)
      return step('admit')
    }
    await acceptCreated(dependencies, submission, created, 'batch_submitted', { items: batch.items, simulated: job.simulated })
    return step('poll', 0, 'submitted')
  }

  async function waitToSettle(submission: SubmissionRow, why: string): Promise<BatchStep> {
    const waitMs = await settleableInMs(database.drizzle, submission.id, settings.submission(submission.provider).settleAfterMs)
    return step('settle', waitMs, `whether the batch was created is unknown (${why}); looked up after the deadline`)
  }
}

/** Stores the provider's id with its event, in one transaction. False when the submission was settled otherwise meanwhile. */
export async function acceptCreated(
  { database }: ActivityDependencies,
  submission: SubmissionRow,
  created: ProviderBatch,
  event: 'batch_submitted' | 'batch_adopted',
  data: Record<string, unknown>,
): Promise<boolean> {
  return await database.drizzle.transaction(async (tx) => {
    await loadBatch(tx, submission.jobId, submission.batch, 'lock')
    const isRecorded = await recordCreated(tx, submission, {
      providerBatchId: created.id,
      providerStatus: created.rawStatus,
      createdAt: created.createdAt,
      expiresAt: created.expiresAt,
    })
    if (isRecorded) {
      await appendEvent(tx, submission.jobId, event, {
        batch: submission.batch,
        provider_batch_id: created.id,
        attempt: submission.attempt,
        ...data,
      })
    }
    return isRecorded
  })
}
