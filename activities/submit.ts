import { randomBytes } from 'node:crypto'
import { describeError } from '../core/errors.ts'
import { createToken } from '../core/item-id.ts'
import { batchDisplayName } from '../core/job-id.ts'
import { loadBatch, recordUpload, updateBatch, type BatchRow } from '../db/batches.ts'
import { appendEvent } from '../db/job-events.ts'
import { loadJob } from '../db/job-state.ts'
import {
  claimSending,
  closeSubmission,
  findLiveSubmission,
  intendSubmission,
  isFileSubmitted,
  isLookAlikeUndecided,
  noteAmbiguity,
  recordCreated,
  settleableInMs,
  type SubmissionRow,
} from '../db/submissions.ts'
import { ProviderError, type Provider, type ProviderBatch, tokenLimitCode } from '../providers/provider.ts'
import {
  defaultsFor,
  loadContext,
  requireProvider,
  retryPolicy,
  stepOf,
  type BatchContext,
  type BatchKey,
} from './batch-context.ts'
import { step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { cancellationSignal } from './heartbeat.ts'
import { failUnsendable } from './judge.ts'
import { runStep } from './pausing.ts'
import { endRefused, isTooLarge } from './refusal.ts'
import { backToAdmission, endUnsent, giveBackRoom } from './room.ts'
import { spoolBatch } from './spool.ts'

/** Before it is looked again whether a batch that could be taken for this one has been decided about, in milliseconds. */
const lookAlikeWaitMs = 10_000
const lookAlikeDetail = 'waits until a batch that could be taken for this one is decided about'

/*
 * Submission, exactly once (design, section 3, step 5). The order of writes is the whole point:
 * upload → intent row → compare-and-set to `sending` → POST → `created`. Whoever finds a row in `sending` that is not his own knows that the
 * request may have left, and sends nothing until `settle` has decided.
 */
export function createSubmitActivities(dependencies: ActivityDependencies) {
  const { database, settings, logger, reach } = dependencies
  return {
    /** Renders the batch into a file and uploads it. Every upload has a token, a file name and a file of its own. */
    async upload(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'upload', () => uploadBatch(key, cancellationSignal()))
    },

    /** Creates the batch at the provider with one POST, unless an earlier one may have done so. */
    async submit(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'submit', () => submitBatch(key, cancellationSignal()))
    },
  }

  async function uploadBatch(key: BatchKey, signal: AbortSignal): Promise<BatchStep> {
    const context = await loadContext(dependencies, key)
    const { batch, job, spec } = context
    if (batch.status !== 'planned') return await stepOf(dependencies, key)
    if (job.status !== 'in_progress') return step('admit')
    const provider = requireProvider(dependencies, batch.provider, batch.simulated)
    const defaults = defaultsFor(context, retryPolicy(dependencies, batch.provider, spec))
    const token = createToken(randomBytes(32))
    const attempt = batch.attempt + 1
    const spool = await spoolBatch(dependencies, context, provider, defaults, token, signal)
    try {
      if (spool.refused.length > 0) {
        await failUnsendable(dependencies, context, spool.refused)
        return await endUnsent(dependencies, key, 'rest')
      }
      const fileName = `job-${key.jobId}-batch-${key.batch}-attempt-${attempt}-${token}.jsonl`
      let inputFileId: string | null
      try {
        ;({ inputFileId } = await provider.upload({ fileName, path: spool.path, endpoint: batch.endpoint, signal }))
      } catch (error) {
        if (!(error instanceof ProviderError) || error.kind !== 'invalid') throw error
        return await endRefused(dependencies, batch, { code: error.code ?? 'upload_refused', message: error.message })
      }
      await reach('upload.before_record')
      const isOurs = await recordUpload(database.drizzle, batch, {
        attempt,
        token,
        inputFileId,
        requestHash: spool.hash,
        keyFingerprint: provider.keyFingerprint,
      })
      // Another try of this activity may have been faster: its file is the one then, and nobody knows ours.
      const superseded = isOurs ? await findSuperseded(batch) : inputFileId
      if (superseded !== null) await deleteUnused(provider, key, superseded, signal)
      return step('submit')
    } finally {
      await spool.remove()
    }
  }

  /** The batch's file before this upload, if no submission refers to it. From the moment that the upload is recorded none can any more. */
  async function findSuperseded({ jobId, inputFileId }: BatchRow): Promise<string | null> {
    if (inputFileId === null || (await isFileSubmitted(database.drizzle, jobId, inputFileId))) return null
    return inputFileId
  }

  /** Best effort: what stays behind goes by the expiry that it was uploaded with. */
  async function deleteUnused(provider: Provider, key: BatchKey, fileId: string, signal: AbortSignal): Promise<void> {
    try {
      await provider.deleteFiles([fileId], signal)
    } catch (error) {
      logger.warn({ ...key, fileId, error: describeError(error) }, 'a superseded input file could not be deleted')
    }
  }

  async function submitBatch(key: BatchKey, signal: AbortSignal): Promise<BatchStep> {
    const context = await loadContext(dependencies, key)
    const { batch } = context
    if (batch.status !== 'submitting') return await stepOf(dependencies, key)
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
    if (provider.keyFingerprint !== batch.keyFingerprint) return await uploadAgain(batch)
    if (batch.inputFileId !== null) return await claimAndSend(key, context, provider, null)
    if (provider.marker === null && (await isLookAlikeUndecided(database.drizzle, batch)))
      return step('submit', lookAlikeWaitMs, lookAlikeDetail)
    // Nothing was uploaded: the lines go with the create itself, and are the same on whichever worker it is.
    const defaults = defaultsFor(context, retryPolicy(dependencies, batch.provider, context.spec))
    const spool = await spoolBatch(dependencies, context, provider, defaults, batch.token as string, signal)
    try {
      if (spool.hash !== batch.requestHash) return await uploadAgain(batch)
      return await claimAndSend(key, context, provider, spool.path)
    } finally {
      await spool.remove()
    }
  }

  async function claimAndSend(key: BatchKey, context: BatchContext, provider: Provider, path: string | null): Promise<BatchStep> {
    const submission = await intend(context.batch, provider)
    const hasLookAlikes = provider.marker === null
    if (submission === null) return hasLookAlikes ? step('submit', lookAlikeWaitMs, lookAlikeDetail) : step('submit', 1000)
    await reach('submit.after_intent')
    // From before the claim: time that passes until its answer is here, a stopped process included, counts against the deadline.
    const before = readClocks()
    const remainingMs = await claimSending(database.drizzle, submission.id)
    if (remainingMs === null) return step('submit', 100)
    return await send(key, context, provider, submission, { path, before, remainingMs })
  }

  async function send(
    key: BatchKey,
    context: BatchContext,
    provider: Provider,
    submission: SubmissionRow,
    { path, before, remainingMs }: { path: string | null; before: Clocks; remainingMs: number },
  ): Promise<BatchStep> {
    const { batch, job } = context
    let created: ProviderBatch
    try {
      await reach('submit.before_post')
      created = await provider.create({
        inputFileId: batch.inputFileId,
        path,
        endpoint: batch.endpoint,
        model: batch.model,
        displayName: batchDisplayName(batch),
        signal: AbortSignal.timeout(Math.max(1, Math.floor(remainingMs - elapsedMs(before)))),
        beforeSend: () => {
          if (elapsedMs(before) >= remainingMs) {
            throw new ProviderError('the deadline for sending has passed', { kind: 'transient', certainlyNotApplied: true })
          }
        },
      })
      await reach('submit.after_accept')
    } catch (error) {
      if (!(error instanceof ProviderError) || !error.certainlyNotApplied) {
        await noteAmbiguity(database.drizzle, submission.id, describeError(error))
        await appendEvent(database.drizzle, key.jobId, 'submission_unclear', {
          batch: key.batch,
          attempt: submission.attempt,
          message: describeError(error),
        })
        return await waitToSettle(submission, describeError(error))
      }
      // Settled meanwhile (this process stood still): what came of it is not this try's to decide.
      if (!(await closeSubmission(database.drizzle, submission.id, 'sending', 'not_created', describeError(error))))
        return await stepOf(dependencies, key)
      // Too much is under way for this account. A batch without a file is made anew for each try, so it gives its room back as well.
      if (error.code === tokenLimitCode || (error.kind === 'rate_limited' && path !== null)) {
        if (error.code === tokenLimitCode && batch.items > 1 && (await isTooLarge(dependencies, batch, null, new Date())))
          return await endRefused(dependencies, batch, { code: tokenLimitCode, message: error.message })
        await backToAdmission(dependencies, batch, error.code ?? 'rate_limited', error.message)
        return step('admit')
      }
      if (error.kind === 'invalid' || error.kind === 'not_found') return await refusedToCreate(context, error)
      throw error
    }
    await acceptCreated(dependencies, submission, created, 'batch_submitted', { items: batch.items, simulated: job.simulated })
    return step('poll', 0, 'submitted')
  }

  /** The intent, if the batch is still what it was when this try looked at it. */
  async function intend(seen: BatchRow, provider: Provider): Promise<SubmissionRow | null> {
    return await database.drizzle.transaction(async (tx) => {
      const batch = await loadBatch(tx, seen.jobId, seen.batch, 'lock')
      if (batch.status !== 'submitting' || batch.attempt !== seen.attempt) return null
      return await intendSubmission(tx, batch, settings.submission(batch.provider).sendWindowMs, provider.marker !== null)
    })
  }

  /** The file is of no use any more (gone, or another project's): the batch keeps its room and is uploaded as a new attempt. */
  async function uploadAgain(
    seen: BatchRow,
    why: Pick<Partial<BatchRow>, 'errorCode' | 'errorMessage'> = {},
  ): Promise<BatchStep> {
    await database.drizzle.transaction(async (tx) => {
      const batch = await loadBatch(tx, seen.jobId, seen.batch, 'lock')
      if (batch.status !== 'submitting' || batch.attempt !== seen.attempt) return
      if ((await findLiveSubmission(tx, batch.jobId, batch.batch)) !== null) return
      await updateBatch(tx, batch.jobId, batch.batch, { status: 'planned', ...why })
    })
    return step('admit')
  }

  /** A create that was refused for good: once more with a new file, and if that is refused for the same its items fail with what the provider said. */
  async function refusedToCreate(context: BatchContext, error: ProviderError): Promise<BatchStep> {
    const code = error.code ?? 'create_refused'
    if (context.batch.errorCode !== code)
      return await uploadAgain(context.batch, { errorCode: code, errorMessage: error.message })
    return await endRefused(dependencies, context.batch, { code, message: error.message })
  }

  async function waitToSettle(submission: SubmissionRow, why: string): Promise<BatchStep> {
    const waitMs = await settleableInMs(database.drizzle, submission.id, settings.submission(submission.provider).settleAfterMs)
    return step('settle', waitMs, `whether the batch was created is unknown (${why}); looked up after the deadline`)
  }
}

interface Clocks {
  readonly monotonicMs: number
  readonly wallMs: number
}

function readClocks(): Clocks {
  return { monotonicMs: performance.now(), wallMs: Date.now() }
}

/** By the clock that moved most: one stands still while the machine sleeps, the other may be set back. */
function elapsedMs(since: Clocks): number {
  return Math.max(performance.now() - since.monotonicMs, Date.now() - since.wallMs)
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
    const batch = await loadBatch(tx, submission.jobId, submission.batch, 'lock')
    if (batch.status !== 'submitting') return false
    const isRecorded = await recordCreated(tx, submission, {
      providerBatchId: created.id,
      providerStatus: created.rawStatus,
      createdAt: created.createdAt,
      expiresAt: created.expiresAt,
      provisional: event === 'batch_adopted' && submission.lookAlike !== null,
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
