import { lockLaneOfBatch, releaseLease } from '../db/admission.ts'
import { databaseNow, loadBatch, updateBatch } from '../db/batches.ts'
import { appendEvent } from '../db/job-events.ts'
import { recordActualCost } from '../db/ledger.ts'
import { listEarlierAttempts, listUnanswered, mergeResults } from '../db/outcomes.ts'
import type { BatchResult } from '../core/statuses.ts'
import type { CanonicalAnswer } from '../formats/canonical-answer.ts'
import { stepOf, type BatchContext, type BatchKey } from './batch-context.ts'
import type { BatchStep } from './batch-step.ts'
import { pauseIfFailing } from './canary.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { judge, type Bench } from './judge.ts'
import { tellGranted } from './room.ts'

/** Rows of one merge: few enough to keep transactions short, enough to keep them cheap. */
export const chunkSize = 500

/** Gives every item of the batch that has no answer this one. */
export async function mergeUnanswered(
  { database }: ActivityDependencies,
  { batch }: BatchContext,
  bench: Bench,
  answer: CanonicalAnswer,
): Promise<void> {
  for (let after = 0; ;) {
    const seqs = await listUnanswered(database.sql, batch, after, chunkSize)
    const last = seqs.at(-1)
    if (last === undefined) return
    const earlier = await listEarlierAttempts(database.sql, batch, seqs)
    await mergeResults(
      database,
      batch,
      seqs.map((seq) => judge(bench, seq, answer, null, null, earlier.get(seq) ?? [])),
    )
    after = last
  }
}

export interface BatchEnd {
  readonly result: BatchResult
  /** Why it was refused whole. */
  readonly refusal?: { readonly code: string; readonly message: string }
  /** Batches that go on with its items in the same round. */
  readonly parts?: readonly number[]
  /** Lines that were not its own. */
  readonly strays?: { readonly count: number; readonly examples: readonly string[] }
}

/** A batch's end: its cost is booked, its room is free, its event is written. Safe to repeat. */
export async function endBatch(dependencies: ActivityDependencies, key: BatchKey, end: BatchEnd): Promise<BatchStep> {
  const { drizzle } = dependencies.database
  // Adding it up takes a while for a large batch, and the whole provider waits for the lane. What is merged is final: once booked it stays.
  const seen = await loadBatch(drizzle, key.jobId, key.batch)
  if (seen.status === 'fetching') await recordActualCost(drizzle, seen)
  const granted = await drizzle.transaction(async (tx) => {
    await lockLaneOfBatch(tx, key.jobId, key.batch)
    const batch = await loadBatch(tx, key.jobId, key.batch, 'lock')
    if (batch.status === 'ended') return []
    const { result, refusal, parts = [], strays } = end
    await updateBatch(tx, key.jobId, key.batch, {
      status: 'ended',
      result,
      endedAt: databaseNow,
      ...(refusal === undefined ? {} : { errorCode: refusal.code, errorMessage: refusal.message }),
    })
    const others = await releaseLease(tx, key.jobId, key.batch, dependencies.settings.capacity(batch.provider))
    if (strays !== undefined && strays.count > 0)
      await appendEvent(tx, key.jobId, 'stray_results', { batch: key.batch, ...strays })
    await appendEvent(tx, key.jobId, 'batch_ended', {
      batch: key.batch,
      result,
      answered: batch.answered,
      ...(refusal === undefined ? {} : { code: refusal.code, message: refusal.message, continued_in: parts }),
    })
    return others
  })
  await pauseIfFailing(dependencies, key.jobId)
  await tellGranted(dependencies, granted)
  return await stepOf(dependencies, key)
}
