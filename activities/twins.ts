import { formatDollars } from '../core/money.ts'
import { parseItemId } from '../core/item-id.ts'
import { appendEvent } from '../db/job-events.ts'
import { recordTwinCost } from '../db/ledger.ts'
import { listPossibleTwins, recordTwin, type PossibleTwin, type SubmissionRow } from '../db/submissions.ts'
import { isTerminalAtProvider, type Provider, type ProviderBatch } from '../providers/provider.ts'
import { lookUp } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { isRecent } from './fetch.ts'
import { costOfAnswer } from './judge.ts'
import { clockSkewMs, markerOf } from './settle.ts'

/*
 * A twin is a batch that one of our submissions created and that nobody waits for: its submission was taken for absent, or another batch of it was
 * adopted. Its answers count for nothing, but what it finishes is billed. So it is cancelled while it runs, and booked when it has ended.
 */

/** A list lags by seconds or minutes: as long as that, every sweep looks. */
const lookOftenForMs = 10 * 60_000
const longestLookIntervalMs = 30 * 60_000

/**
 * Between two looks for a twin, in milliseconds: a tenth of the time since its submission was taken for absent. The whole list is read for it, up
 * to 48 hours long, and what has not appeared for hours hardly ever does.
 */
export function lookIntervalMs(ageMs: number): number {
  return ageMs < lookOftenForMs ? 0 : Math.min(ageMs / 10, longestLookIntervalMs)
}

/** Tries each of several things: one that fails doesn't keep the others from their turn. */
export type Attempt = (what: string, fields: object, work: () => Promise<void>) => Promise<void>

export interface TwinWatch {
  /** Looks for the twins of one provider that are due, cancels those that run and books those that have ended. */
  look(provider: Provider, attempt: Attempt, signal: AbortSignal): Promise<void>
}

/**
 * When a submission was last looked after is known to this process alone. A sweep may run in any worker, so there are as many looks as workers at most;
 * a note in the database would spare a few calls, and could lose a twin to a look that never got to its end.
 */
export function createTwinWatch(dependencies: ActivityDependencies): TwinWatch {
  const { database, logger } = dependencies
  const lastLooks = new Map<string, Map<number, number>>()

  return {
    async look(provider, attempt, signal) {
      const possible = await listPossibleTwins(database, provider.name, provider.simulated)
      const looks = keepLooks(provider.name, possible)
      const now = Date.now()
      const due = possible.filter(
        ({ submission, ageMs }) => now - (looks.get(submission.id) ?? -Infinity) >= lookIntervalMs(ageMs),
      )
      for (const { submission } of due) {
        const { providerBatchId } = submission
        if (providerBatchId === null) continue
        looks.set(submission.id, now)
        await attempt('a twin could not be looked after', describe(submission, providerBatchId), async () => {
          const remote = await lookUp(() => provider.retrieve(providerBatchId, signal))
          if (remote !== null) await handle(provider, submission, remote, signal)
        })
      }
      const unseen = due.map(({ submission }) => submission).filter(({ providerBatchId }) => providerBatchId === null)
      if (unseen.length === 0) return
      await attempt('the list could not be searched for twins', { provider: provider.name }, async () => {
        await findUnseen(provider, unseen, attempt, signal)
        // Only now: a list that broke off is read again at the next sweep.
        for (const { id } of unseen) looks.set(id, now)
      })
    },
  }

  /** Only of submissions that are still looked for. */
  function keepLooks(provider: string, possible: readonly PossibleTwin[]): Map<number, number> {
    const before = lastLooks.get(provider)
    const kept = new Map<number, number>()
    for (const { submission } of possible) {
      const last = before?.get(submission.id)
      if (last !== undefined) kept.set(submission.id, last)
    }
    lastLooks.set(provider, kept)
    return kept
  }

  async function findUnseen(
    provider: Provider,
    unseen: readonly SubmissionRow[],
    attempt: Attempt,
    signal: AbortSignal,
  ): Promise<void> {
    const byMarker = new Map(unseen.map((submission) => [markerOf(provider, submission), submission]))
    const since = Math.min(...unseen.map(({ intendedAt }) => intendedAt.getTime())) - clockSkewMs
    for await (const remote of provider.list(new Date(since), signal)) {
      const submission = remote.marker === null ? undefined : byMarker.get(remote.marker)
      if (submission === undefined) continue
      await attempt('a twin could not be looked after', describe(submission, remote.id), async () => {
        const twin = await recordTwin(database.drizzle, submission, remote.id)
        if (twin !== null) await handle(provider, twin, remote, signal)
      })
    }
  }

  async function handle(provider: Provider, twin: SubmissionRow, remote: ProviderBatch, signal: AbortSignal): Promise<void> {
    if (isTerminalAtProvider(remote.status)) return await book(provider, twin, remote, signal)
    if (remote.status === 'cancelling') return
    logger.warn(describe(twin, remote.id), 'a twin is cancelled')
    await provider.cancel(remote.id, signal)
    await appendEvent(database.drizzle, twin.jobId, 'twin_cancelled', { batch: twin.batch, provider_batch_id: remote.id })
  }

  async function book(provider: Provider, twin: SubmissionRow, remote: ProviderBatch, signal: AbortSignal): Promise<void> {
    // Booked too early it would be booked as nothing, for good.
    if (remote.status !== 'failed' && remote.resultFileIds.length === 0 && isRecent(remote.endedAt)) return
    const { amount, answers, unpriced } = await addUp(provider, twin, remote, signal)
    const isNew = await database.drizzle.transaction(async (tx) => {
      if (!(await recordTwinCost(tx, twin, amount))) return false
      // Of a job that was deleted the ledger's row is all that is left.
      await appendEvent(tx, twin.jobId, 'twin_finished', {
        batch: twin.batch,
        provider_batch_id: remote.id,
        result: remote.status,
        answers,
        cost_usd: formatDollars(amount),
        ...(unpriced > 0 ? { unpriced } : {}),
      })
      return true
    })
    if (isNew) logger.warn({ ...describe(twin, remote.id), answers, costNanos: String(amount) }, 'a twin was paid for')
  }

  /** What its own lines cost, each once: of all that is read only the numbers of the lines are kept. */
  async function addUp(
    provider: Provider,
    twin: SubmissionRow,
    remote: ProviderBatch,
    signal: AbortSignal,
  ): Promise<{ amount: bigint; answers: number; unpriced: number }> {
    const seqs = new Set<number>()
    let amount = 0n
    let answers = 0
    let unpriced = 0
    for await (const { itemId, answer } of provider.results(remote, signal)) {
      const seq = itemId === null ? null : parseItemId(itemId, twin.token)
      if (seq === null || seqs.has(seq)) continue
      seqs.add(seq)
      if (answer.error === null) answers += 1
      const cost = costOfAnswer(answer.usage, answer.model, (model) => provider.prices(model, remote.createdAt)?.batch ?? null)
      if (cost === null) unpriced += 1
      else amount += cost
    }
    return { amount, answers, unpriced }
  }
}

function describe({ jobId, batch }: SubmissionRow, providerBatchId: string): object {
  return { jobId, batch, providerBatchId }
}
