import { loadBatch, seqOfLine, splitBatch, updateBatch, wasAlone, type BatchRow } from '../db/batches.ts'
import { findLiveSubmission } from '../db/submissions.ts'
import { type BatchRefusal, refusedLinesCode, tokenLimitCode } from '../providers/provider.ts'
import { stepOf, type BatchContext, type BatchKey } from './batch-context.ts'
import { step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { endBatch, mergeUnanswered } from './end-batch.ts'
import { benchFor, failItems, unanswered } from './judge.ts'
import { pauseForPerson } from './pausing.ts'
import { backToAdmission } from './room.ts'

/** A batch refused whole has no answers: its lines are at fault, or the provider's room, key or day. */
export async function handleRefusal(
  dependencies: ActivityDependencies,
  key: BatchKey,
  context: BatchContext,
  refusal: BatchRefusal,
): Promise<BatchStep> {
  switch (refusal.kind) {
    case 'enqueued_tokens':
      return await refusedForTokens(dependencies, key, context, refusal)
    case 'auth':
      await backToAdmission(dependencies, context.batch, refusal.code, refusal.message)
      return await pauseForPerson(dependencies, key, 'auth', refusal.message, 'admit')
    case 'input': {
      const isNamed = await failNamedLines(dependencies, context, refusal)
      return await splitRefused(dependencies, key, context, refusal, isNamed ? 1 : 2)
    }
    case 'other':
      return await endAllAs(dependencies, key, context, 'transient', refusal)
  }
}

/** Refusals for its tokens after which a batch that had none of ours beside it is taken to be too large. */
const refusalsWhenAlone = 3

/**
 * Whether a batch that was refused for its tokens is larger than the limit by itself. What we count is an estimate, mostly above the provider's, so it is
 * believed only of one that had none of ours beside it since `since`; without a limit that it is above, after some refusals.
 */
export async function isTooLarge(
  { database }: ActivityDependencies,
  batch: BatchRow,
  tokenLimit: number | null | undefined,
  since: Date,
): Promise<boolean> {
  const isSuspect = (tokenLimit != null && batch.tokens > tokenLimit) || batch.readmissions >= refusalsWhenAlone
  return isSuspect && (await wasAlone(database.drizzle, batch, since))
}

/**
 * Mostly the provider is full, and the batch waits for room. One that is larger than the limit itself would wait for ever: it is halved, at no cost of a
 * round, until its parts are taken. An item that is larger than the limit fails.
 */
async function refusedForTokens(
  dependencies: ActivityDependencies,
  key: BatchKey,
  context: BatchContext,
  refusal: BatchRefusal,
): Promise<BatchStep> {
  const { batch } = context
  if (await isTooLarge(dependencies, batch, refusal.tokenLimit, batch.submittedAt ?? batch.createdAt)) {
    if (batch.items > 1) return await splitRefused(dependencies, key, context, refusal, 2)
    // Somebody else's batches may have taken the room a few times.
    if (refusal.tokenLimit != null && batch.tokens > refusal.tokenLimit && batch.readmissions >= refusalsWhenAlone)
      return await endAllAs(dependencies, key, context, 'invalid_request', refusal)
  }
  await backToAdmission(dependencies, batch, refusal.code, refusal.message)
  return step('admit')
}

/** Ends a batch with the same error for all of its items: one that another try may mend, or not. */
async function endAllAs(
  dependencies: ActivityDependencies,
  key: BatchKey,
  context: BatchContext,
  errorClass: 'transient' | 'invalid_request',
  refusal: { readonly code: string; readonly message: string },
): Promise<BatchStep> {
  const bench = benchFor(dependencies, context, () => null)
  await mergeUnanswered(dependencies, context, bench, unanswered(errorClass, refusal.code, refusal.message))
  return await endBatch(dependencies, key, { result: 'failed', refusal })
}

/**
 * A batch that the provider does not take, for good: nothing of it was created. From here on it is on its way to its end, so a try that is
 * late, and decided about an earlier attempt, changes nothing.
 */
export async function endRefused(
  dependencies: ActivityDependencies,
  seen: BatchRow,
  refusal: { readonly code: string; readonly message: string },
): Promise<BatchStep> {
  const key = { jobId: seen.jobId, batch: seen.batch }
  await dependencies.database.drizzle.transaction(async (tx) => {
    const batch = await loadBatch(tx, key.jobId, key.batch, 'lock')
    if (batch.status !== seen.status || batch.attempt !== seen.attempt || batch.providerBatchId !== null) return
    if ((await findLiveSubmission(tx, key.jobId, key.batch)) !== null) return
    await updateBatch(tx, key.jobId, key.batch, { status: 'fetching', errorCode: refusal.code, errorMessage: refusal.message })
  })
  return await stepOf(dependencies, key)
}

/** The end of a batch that never was at the provider: its items fail with what the provider said, or the one that is at fault is looked for. */
export async function failRefused(dependencies: ActivityDependencies, key: BatchKey, context: BatchContext): Promise<BatchStep> {
  const { errorCode, errorMessage } = context.batch
  if (errorCode === refusedLinesCode || errorCode === tokenLimitCode) {
    const message = errorMessage ?? 'the provider refused the lines'
    return await handleRefusal(dependencies, key, context, { code: errorCode, message, kind: 'input', lines: [] })
  }
  return await endAllAs(dependencies, key, context, 'invalid_request', {
    code: errorCode ?? 'refused',
    message: errorMessage ?? 'the provider refused the batch',
  })
}

/** Fails the items whose lines the provider names. False: it names none that the file has. */
async function failNamedLines(
  dependencies: ActivityDependencies,
  context: BatchContext,
  refusal: BatchRefusal,
): Promise<boolean> {
  const named: Array<{ seq: number; reason: string; code: string }> = []
  for (const { line, code, message } of refusal.lines) {
    const seq = await seqOfLine(dependencies.database.drizzle, context.batch, line)
    if (seq !== null) named.push({ seq, reason: message, code })
  }
  // A batch of one item that is refused is refused for that item.
  if (named.length === 0 && context.batch.items === 1)
    named.push({ seq: context.batch.seqFrom, reason: refusal.message, code: refusal.code })
  await failItems(dependencies, context, named)
  return named.length > 0
}

/** The rest of a refused batch is sent again in the same round: whole when the culprits were named, else in halves. */
async function splitRefused(
  dependencies: ActivityDependencies,
  key: BatchKey,
  { batch }: BatchContext,
  refusal: BatchRefusal,
  parts: 1 | 2,
): Promise<BatchStep> {
  const created = await dependencies.database.drizzle.transaction(async (tx) => {
    const current = await loadBatch(tx, key.jobId, key.batch, 'lock')
    if (current.status !== 'fetching' || current.providerBatchId !== batch.providerBatchId) return []
    return await splitBatch(tx, current, parts)
  })
  return await endBatch(dependencies, key, { result: 'failed', refusal, parts: created })
}
