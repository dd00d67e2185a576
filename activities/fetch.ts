import { BatchwrightError } from '../core/errors.ts'
import { parseItemId } from '../core/item-id.ts'
import type { JsonObject } from '../core/json.ts'
import type { BatchResult } from '../core/statuses.ts'
import { listEarlierAttempts, filterMembers, mergeResults, type JudgedResult } from '../db/outcomes.ts'
import { loadBatch } from '../db/batches.ts'
import { readItemLines } from '../db/item-lines.ts'
import { appendEvent } from '../db/job-events.ts'
import { pauseJob } from '../db/job-state.ts'
import { disown } from '../db/submissions.ts'
import type { ProviderResult } from '../formats/canonical-answer.ts'
import { unreadableLineCode } from '../formats/failed-answer.ts'
import { parseInputLine } from '../formats/input-line.ts'
import { schemaOfRequest } from '../formats/translation.ts'
import { isTerminalAtProvider, ProviderError, resultsLagMs, type Provider, type ProviderBatch } from '../providers/provider.ts'
import { loadContext, lookUp, stepOf, requireProvider, type BatchContext, type BatchKey } from './batch-context.ts'
import type { BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { chunkSize, endBatch, mergeUnanswered } from './end-batch.ts'
import { cancellationSignal } from './heartbeat.ts'
import { benchFor, judge, unanswered, type Bench } from './judge.ts'
import { pauseForNotFound, pauseForPerson, runStep } from './pausing.ts'
import { failRefused, handleRefusal } from './refusal.ts'
import { warningsOfResent } from './revision.ts'

/** Text of one merge: a thousand embeddings would be too much for the memory. */
const maxChunkBytes = 4_000_000
/** Merges of one batch at once: Postgres' work on a chunk is more than ours. */
const chunksInFlight = 2
/** Ids of lines that are not the batch's own, kept in the event as examples. */
const strayExamples = 5

/** A line of the results that is the batch's own. */
interface ReceivedLine {
  readonly seq: number
  readonly result: ProviderResult
}

/** A chunk on its way into Postgres. */
interface Merging {
  readonly seqs: ReadonlySet<number>
  readonly done: Promise<void>
}

/** What was seen on the way through the results. */
interface Notes {
  /** Lines with an id of this batch. */
  own: number
  readonly strays: { count: number; readonly examples: string[] }
  /** What the provider said to an item whose key or credit it refused. */
  authError: string | null
}

/**
 * Reads a batch's results and merges them. Every try reads from the start; what is merged already stays. Nothing is missing before one
 * pass has reached the verified end of every file.
 */
export function createFetchActivities(dependencies: ActivityDependencies) {
  const { database, reach } = dependencies
  return {
    async fetchResults(key: BatchKey): Promise<BatchStep> {
      return await runStep(dependencies, key, 'fetch', () => fetchBatch(key, cancellationSignal()))
    },
  }

  async function fetchBatch(key: BatchKey, signal: AbortSignal): Promise<BatchStep> {
    const context = await loadContext(dependencies, key)
    const { batch } = context
    if (batch.status !== 'fetching') return await stepOf(dependencies, key)
    if (batch.providerBatchId === null) return await failRefused(dependencies, key, context)
    const provider = requireProvider(dependencies, batch.provider, batch.simulated)
    const remote = await lookUp(() => provider.retrieve(batch.providerBatchId as string, signal))
    if (remote === null) return await pauseForNotFound(dependencies, key, batch, 'fetch')
    if (!isTerminalAtProvider(remote.status)) {
      // A stale read: what has no line yet is not missing.
      throw new ProviderError(`batch ${remote.id} is ${remote.rawStatus} again after it had ended`, { kind: 'transient' })
    }
    if (remote.status === 'failed' && remote.refusal !== null && remote.resultFileIds.length === 0) {
      return await handleRefusal(dependencies, key, context, remote.refusal)
    }
    if (remote.resultFileIds.length === 0 && hasFinished(remote) && isRecent(remote.endedAt)) {
      throw new ProviderError(`batch ${remote.id} is ${remote.rawStatus} but names no result file yet`, { kind: 'transient' })
    }
    const submittedAt = batch.submittedAt ?? batch.createdAt
    const bench = benchFor(dependencies, context, (model) => provider.prices(model, submittedAt)?.batch ?? null)
    const notes = await lookUp(() => mergeAll(context, bench, provider, remote, signal))
    if (notes === null) return await giveUpResults(key, context, remote)
    if (notes.own === 0 && notes.strays.count > 0 && (await giveUpIfProvisional(context, remote)))
      return await stepOf(dependencies, key)
    await closeUnanswered(context, bench, remote)
    // The key (or the credit) broke while the batch ran: its items would only be refused again, and being refused is no round. Before the batch's end,
    // so that no crash between the two lets the next round start.
    if (notes.authError !== null) await pauseJob(database, key.jobId, 'auth', notes.authError, { spareRound: true })
    return await endBatch(dependencies, key, { result: resultOf(remote), strays: notes.strays })
  }

  /**
   * The provider knows the batch and has no results of it any more: they were deleted, or are too old. Sending its items again would be paid again, so a
   * person decides: `cancel` ends the job without them.
   */
  async function giveUpResults(key: BatchKey, { batch, job }: BatchContext, remote: ProviderBatch): Promise<BatchStep> {
    if (job.cancelRequestedAt !== null) return await endBatch(dependencies, key, { result: resultOf(remote) })
    const detail = `${batch.provider} has no results of ${remote.id} (batch ${key.batch}) any more: cancel the job to keep what else is answered`
    return await pauseForPerson(dependencies, key, 'provider_batch_not_found', detail, 'fetch')
  }

  async function mergeAll(
    context: BatchContext,
    bench: Bench,
    provider: Provider,
    remote: ProviderBatch,
    signal: AbortSignal,
  ): Promise<Notes> {
    const notes: Notes = { own: 0, strays: { count: 0, examples: [] }, authError: null }
    let chunk: ReceivedLine[] = []
    let chunkBytes = 0
    // While Postgres takes two chunks, the next one is read and parsed.
    const merging: Merging[] = []
    const merge = async (): Promise<void> => {
      const full = chunk
      chunk = []
      chunkBytes = 0
      // A line that comes again waits for the first one, which counts.
      const isRepeated = full.some(({ seq }) => merging.some(({ seqs }) => seqs.has(seq)))
      while (merging.length >= (isRepeated ? 1 : chunksInFlight)) await merging.shift()?.done
      const done = mergeChunk(context, bench, provider, full, notes)
      // Awaited when its turn comes; until then a failure is nobody's unhandled rejection.
      done.catch(() => {})
      merging.push({ seqs: new Set(full.map(({ seq }) => seq)), done })
    }
    try {
      for await (const result of provider.results(remote, signal)) {
        // Whatever it was, it is no answer: its item is missing, unless a line that can be read comes as well.
        if (result.answer.error?.code === unreadableLineCode) {
          noteStray(notes, result.itemId)
          continue
        }
        const seq = result.itemId === null ? null : parseItemId(result.itemId, context.batch.token as string)
        if (seq === null || seq < context.batch.seqFrom || seq > context.batch.seqTo) {
          noteStray(notes, result.itemId)
          continue
        }
        notes.own += 1
        chunk.push({ seq, result })
        chunkBytes += result.raw.length
        if (chunk.length >= chunkSize || chunkBytes >= maxChunkBytes) {
          await merge()
          signal.throwIfAborted()
        }
      }
      await merge()
    } finally {
      await Promise.allSettled(merging.map(({ done }) => done))
    }
    await Promise.all(merging.map(({ done }) => done))
    return notes
  }

  async function mergeChunk(
    context: BatchContext,
    bench: Bench,
    provider: Provider,
    chunk: readonly ReceivedLine[],
    notes: Notes,
  ): Promise<void> {
    if (chunk.length === 0) return
    const { batch } = context
    const seqs = chunk.map(({ seq }) => seq)
    const members = batch.listed ? await filterMembers(database.sql, batch, seqs) : null
    const earlier = await listEarlierAttempts(database.sql, batch, seqs)
    const received = new Map<number, ProviderResult>()
    for (const { seq, result } of chunk) {
      // A cancelled request was not answered: its item is left to whatever the job does next.
      if (result.answer.error?.code === 'batch_cancelled') continue
      if (members !== null && !members.has(seq)) {
        noteStray(notes, result.itemId)
        continue
      }
      // A line may come twice; the first one counts.
      if (received.has(seq)) continue
      received.set(seq, result)
      if (result.answer.error?.class === 'auth') notes.authError = bench.redact(result.answer.error.message)
    }
    const warnings = await warningsOfResent(dependencies, context, provider, [...received.keys()], earlier)
    const judged: JudgedResult[] = []
    for await (const page of schemasOf(context, provider, [...received.keys()])) {
      for (const [seq, schema] of page) {
        const { answer, raw } = received.get(seq) as ProviderResult
        judged.push({ ...judge(bench, seq, answer, raw, schema, earlier.get(seq) ?? []), warnings: warnings.get(seq) ?? null })
      }
    }
    await reach('fetch.before_commit')
    await mergeResults(database, batch, judged)
    if (chunk.length === chunkSize) await reach('fetch.mid_file')
  }

  /** The schema that each item's answer must fit: the line's own, or the job's. Lines can be long: they are read, and let go, in pages. */
  async function* schemasOf(
    { job, spec, batch }: BatchContext,
    provider: Provider,
    seqs: readonly number[],
  ): AsyncGenerator<Array<[seq: number, schema: JsonObject | null]>> {
    const common = spec.schema ?? null
    if (!job.itemSchemas) {
      yield seqs.map((seq) => [seq, common])
      return
    }
    for await (const page of readItemLines(database.sql, batch.jobId, seqs)) {
      yield page.map(({ seq, line }) => [seq, ownSchema(provider, line.toString(), seq) ?? common])
    }
  }

  /** A batch that was found by its looks, and none of whose lines is ours, is somebody else's: ours is looked for again. */
  async function giveUpIfProvisional({ batch }: BatchContext, remote: ProviderBatch): Promise<boolean> {
    return await database.drizzle.transaction(async (tx) => {
      const current = await loadBatch(tx, batch.jobId, batch.batch, 'lock')
      if (current.status !== 'fetching' || current.providerBatchId !== remote.id) return true
      if (!(await disown(tx, current))) return false
      await appendEvent(tx, batch.jobId, 'batch_disowned', { batch: batch.batch, provider_batch_id: remote.id })
      return true
    })
  }

  /** After the verified end of every file: what has no line is missing, or expired with its batch. */
  async function closeUnanswered(context: BatchContext, bench: Bench, remote: ProviderBatch): Promise<void> {
    if (remote.status === 'cancelled' && context.job.cancelRequestedAt !== null) return
    const isExpired = remote.status === 'expired'
    const answer = isExpired
      ? unanswered('expired', 'batch_expired', 'the batch expired before this request was answered')
      : unanswered('missing', 'missing', `the provider's result files of a ${remote.rawStatus} batch have no line for this item`)
    await mergeUnanswered(dependencies, context, bench, answer)
  }
}

function ownSchema(provider: Provider, line: string, seq: number): JsonObject | undefined {
  try {
    return schemaOfRequest(parseInputLine(line, seq).request, provider.kind)?.schema
  } catch (error) {
    // It was sent, so this is another version of ours: an answer is not given up for its line.
    if (error instanceof BatchwrightError) return undefined
    throw error
  }
}

function resultOf(remote: ProviderBatch): BatchResult {
  switch (remote.status) {
    case 'completed':
    case 'failed':
    case 'expired':
    case 'cancelled':
      return remote.status
    case 'in_progress':
    case 'cancelling':
      throw new ProviderError(`batch ${remote.id} is ${remote.rawStatus}`, { kind: 'transient' })
  }
}

/** Some request was finished, so there should be a result file. Of a batch that did not complete, only its counts tell. */
export function hasFinished({ status, counts }: ProviderBatch): boolean {
  if (status === 'completed') return true
  return status !== 'failed' && counts !== null && counts.done + counts.failed > 0
}

/** Its results may not be there yet. */
export function isRecent(endedAt: Date | null): boolean {
  return endedAt !== null && Date.now() - endedAt.getTime() < resultsLagMs
}

function noteStray({ strays }: Notes, itemId: string | null): void {
  strays.count += 1
  if (strays.examples.length < strayExamples) strays.examples.push((itemId ?? '(no id)').slice(0, 100))
}
