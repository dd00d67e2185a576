import { setTimeout as sleep } from 'node:timers/promises'
import { batchDisplayName } from '../core/job-id.ts'
import { loadBatch, updateBatch } from '../db/batches.ts'
import { appendEvent } from '../db/job-events.ts'
import {
  closeSubmission,
  findLiveSubmission,
  findOwned,
  recordTwin,
  settleableInMs,
  type SubmissionRow,
} from '../db/submissions.ts'
import type { Provider, ProviderBatch } from '../providers/provider.ts'
import { loadContext, requireProvider, stepOf, type BatchKey } from './batch-context.ts'
import { step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { cancellationSignal } from './heartbeat.ts'
import { pauseForPerson, runStep } from './pausing.ts'
import { acceptCreated } from './submit.ts'

/** Providers' clocks and ours differ: the listing reads back this far before the intent, in milliseconds. */
export const clockSkewMs = 10 * 60_000
/** Where a batch is told by its looks, more would let in more of other people's. */
const looksSkewMs = 2 * 60_000

/** What the batch of a submission carries in its provider's list; null: nothing of ours. */
export function markerOf({ marker }: Provider, submission: SubmissionRow): string | null {
  switch (marker) {
    case 'input_file':
      return submission.inputFileId
    case 'display_name':
      return batchDisplayName(submission)
    case null:
      return null
  }
}

/** Decides about a submission that may have reached the provider, once nothing of it can leave any more. */
export function createSettleActivities(dependencies: ActivityDependencies) {
  const { database, settings } = dependencies
  return {
    async settle(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'settle', () => settleBatch(key, cancellationSignal()))
    },
  }

  async function settleBatch(key: BatchKey, signal: AbortSignal): Promise<BatchStep> {
    const { batch } = await loadContext(dependencies, key)
    if (batch.status !== 'submitting') return await stepOf(dependencies, key)
    const submission = await findLiveSubmission(database.drizzle, key.jobId, key.batch)
    if (submission === null || submission.state === 'intended') return step('submit')
    if (submission.state === 'created') return step('poll')
    if (submission.state === 'quarantined') return await quarantined(key, submission)
    const waitMs = await settleableInMs(database.drizzle, submission.id, settings.submission(batch.provider).settleAfterMs)
    if (waitMs > 0) return step('settle', waitMs, 'whether the batch was created is unknown; looked up after the deadline')

    const provider = requireProvider(dependencies, batch.provider, batch.simulated)
    if (provider.keyFingerprint !== submission.keyFingerprint) {
      const detail = `batch ${key.batch} was sent with key ${submission.keyFingerprint}, this worker has ${provider.keyFingerprint}: only the first can tell whether it exists`
      return await pauseForPerson(dependencies, key, 'submission_unknown', detail, 'settle')
    }
    // A listing may show a new batch late, so absence is believed only when two complete ones agree.
    let found = await findCandidates(provider, submission, signal)
    if (found.length === 0) {
      await sleep(settings.submission(provider.name).settlePauseMs, undefined, { signal })
      found = await findCandidates(provider, submission, signal)
    }
    const [ours, ...twins] = found
    if (ours === undefined) return await sendAgain(key, submission)
    // Several that only look like ours: a wrong guess would be paid for, and cancelling the others would be somebody's loss.
    if (twins.length > 0 && submission.lookAlike !== null) return await quarantine(key, submission)
    // Written down first: the janitor cancels and books them, whatever happens to this try.
    for (const twin of twins) await recordTwin(database.drizzle, submission, twin.id)
    await acceptCreated(dependencies, submission, ours, 'batch_adopted', { items: batch.items })
    return step('poll', 0, 'adopted')
  }

  /**
   * Batches that this submission may have made and that nobody owns yet, oldest first. Reads the listing to its end: a page that fails,
   * throws.
   */
  async function findCandidates(provider: Provider, submission: SubmissionRow, signal: AbortSignal): Promise<ProviderBatch[]> {
    const skewMs = submission.lookAlike === null ? clockSkewMs : looksSkewMs
    const since = new Date(submission.intendedAt.getTime() - skewMs)
    const until = submission.sendDeadline.getTime() + skewMs
    const marker = markerOf(provider, submission)
    const isCandidate = (candidate: ProviderBatch): boolean => {
      if (submission.lookAlike === null) return candidate.marker !== null && candidate.marker === marker
      const createdAt = candidate.createdAt.getTime()
      const isInTime = createdAt >= since.getTime() && createdAt <= until
      return isInTime && candidate.counts?.total === submission.items && !submission.notOurs.includes(candidate.id)
    }
    const ours: ProviderBatch[] = []
    for await (const candidate of provider.list(since, signal)) if (isCandidate(candidate)) ours.push(candidate)
    const owned = await findOwned(
      database.drizzle,
      provider.name,
      ours.map((candidate) => candidate.id),
    )
    return (
      ours
        .filter((candidate) => !owned.has(candidate.id))
        // Providers stamp in whole seconds: with equal ones, every try must still choose the same.
        .sort((left, right) => left.createdAt.getTime() - right.createdAt.getTime() || (left.id < right.id ? -1 : 1))
    )
  }

  /** Absent twice: the batch keeps its room and is sent as a new attempt, with a token and a file of its own. */
  async function sendAgain(key: BatchKey, submission: SubmissionRow): Promise<BatchStep> {
    await database.drizzle.transaction(async (tx) => {
      // Batch before submission, as everywhere.
      await loadBatch(tx, key.jobId, key.batch, 'lock')
      if (!(await closeSubmission(tx, submission.id, 'sending', 'absent', submission.error))) return
      await updateBatch(tx, key.jobId, key.batch, { status: 'planned' })
      await appendEvent(tx, key.jobId, 'submission_absent', { batch: key.batch, attempt: submission.attempt })
    })
    return step('admit', 0, 'not created; sent again')
  }

  async function quarantine(key: BatchKey, submission: SubmissionRow): Promise<BatchStep> {
    await closeSubmission(database.drizzle, submission.id, 'sending', 'quarantined', submission.error)
    return await quarantined(key, submission)
  }

  async function quarantined(key: BatchKey, submission: SubmissionRow): Promise<BatchStep> {
    const detail = `whether batch ${key.batch} exists at ${submission.provider} can't be decided from its listing: nothing of it is sent again until a person has looked`
    return await pauseForPerson(dependencies, key, 'submission_unknown', detail, 'settle')
  }
}
