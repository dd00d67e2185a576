import { parseItemId } from '../core/item-id.ts'
import type { JsonObject } from '../core/json.ts'
import type { BatchResult } from '../core/statuses.ts'
import { listEarlierAttempts, filterMembers, listUnanswered, mergeResults, type JudgedResult } from '../db/outcomes.ts'
import { loadBatch, readItemLines, seqOfLine, splitBatch, updateBatch, type BatchRow } from '../db/batches.ts'
import { appendEvent } from '../db/job-events.ts'
import { recordActualCost } from '../db/ledger.ts'
import type { CanonicalAnswer, ProviderResult } from '../formats/canonical-answer.ts'
import { parseInputLine } from '../formats/input-line.ts'
import { ProviderError, type BatchRefusal, type Provider, type ProviderBatch } from '../providers/provider.ts'
import { loadContext, lookUp, requireProvider, type BatchContext, type BatchKey } from './batch-context.ts'
import { phaseOf, step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { cancellationSignal } from './heartbeat.ts'
import { pauseForNotFound, pauseForPerson, runStep } from './pausing.ts'
import { backToAdmission } from './room.ts'
import { benchFor, failItems, judge, unanswered, type Bench } from './judge.ts'

/** Rows of one merge: few enough to keep transactions short, enough to keep them cheap. */
const chunkSize = 1000
/** Ids of lines that are not the batch's own, kept in the event as examples. */
const strayExamples = 5

const filesLagMs = 10 * 60_000

/** A line of the results that is the batch's own. */
interface ReceivedLine {
  readonly seq: number
  readonly result: ProviderResult
}

interface Strays {
  count: number
  examples: string[]
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
    if (batch.status !== 'fetching') return step(phaseOf(batch.status))
    const provider = requireProvider(dependencies, batch.provider, batch.simulated)
    const remote = await lookUp(() => provider.retrieve(batch.providerBatchId as string, signal))
    if (remote === null) return await pauseForNotFound(dependencies, key, batch, 'fetch')
    if (remote.status === 'failed' && remote.refusal !== null && remote.resultFileIds.length === 0) {
      return await handleRefusal(key, context, remote.refusal)
    }
    if (remote.status === 'completed' && remote.resultFileIds.length === 0 && isRecent(remote.endedAt)) {
      throw new ProviderError(`batch ${remote.id} is completed but names no result file yet`, { kind: 'transient' })
    }
    const submittedAt = batch.submittedAt ?? batch.createdAt
    const bench = benchFor(dependencies, context, (model) => provider.prices(model, submittedAt)?.batch ?? null)
    const strays = await mergeAll(context, bench, provider, remote, signal)
    await closeUnanswered(context, bench, remote)
    return await endBatch(key, resultOf(remote), strays)
  }

  async function mergeAll(
    context: BatchContext,
    bench: Bench,
    provider: Provider,
    remote: ProviderBatch,
    signal: AbortSignal,
  ): Promise<Strays> {
    const strays: Strays = { count: 0, examples: [] }
    let chunk: ReceivedLine[] = []
    // While Postgres takes one chunk, the next one is read and parsed.
    let merging: Promise<void> = Promise.resolve()
    const merge = async (): Promise<void> => {
      await merging
      const full = chunk
      chunk = []
      merging = mergeChunk(context, bench, full, strays)
      // Awaited before the next chunk; until then a failure is nobody's unhandled rejection.
      merging.catch(() => {})
    }
    try {
      for await (const result of provider.results(remote, signal)) {
        const seq = result.itemId === null ? null : parseItemId(result.itemId, context.batch.token as string)
        if (seq === null || seq < context.batch.seqFrom || seq > context.batch.seqTo) {
          noteStray(strays, result.itemId)
          continue
        }
        chunk.push({ seq, result })
        if (chunk.length >= chunkSize) {
          await merge()
          signal.throwIfAborted()
        }
      }
      await merge()
    } finally {
      await merging
    }
    return strays
  }

  async function mergeChunk(context: BatchContext, bench: Bench, chunk: readonly ReceivedLine[], strays: Strays): Promise<void> {
    if (chunk.length === 0) return
    const { batch, spec } = context
    const seqs = chunk.map(({ seq }) => seq)
    const members = batch.listed ? await filterMembers(database.sql, batch, seqs) : null
    const earlier = await listEarlierAttempts(database.sql, batch, seqs)
    const schemas = context.job.itemSchemas ? await readItemSchemas(batch, seqs) : null
    const judged = new Map<number, JudgedResult>()
    for (const { seq, result } of chunk) {
      // A cancelled request was not answered: its item is left to whatever the job does next.
      if (result.answer.error?.code === 'batch_cancelled') continue
      if (members !== null && !members.has(seq)) {
        noteStray(strays, result.itemId)
        continue
      }
      // A line may come twice; the first one counts.
      if (judged.has(seq)) continue
      const schema = schemas?.get(seq) ?? spec.schema ?? null
      judged.set(seq, judge(bench, seq, result.answer, result.raw, schema, earlier.get(seq) ?? []))
    }
    await reach('fetch.before_commit')
    await mergeResults(database, batch, [...judged.values()])
    if (chunk.length === chunkSize) await reach('fetch.mid_file')
  }

  /** Schemas that lines carry themselves. */
  async function readItemSchemas(batch: BatchRow, seqs: readonly number[]): Promise<Map<number, JsonObject>> {
    const schemas = new Map<number, JsonObject>()
    for (const { seq, line } of await readItemLines(database.sql, batch.jobId, seqs)) {
      const { request } = parseInputLine(line, seq)
      if (request.kind === 'generate' && request.schema !== undefined) schemas.set(seq, request.schema)
    }
    return schemas
  }

  /** After the verified end of every file: what has no line is missing, or expired with its batch. */
  async function closeUnanswered(context: BatchContext, bench: Bench, remote: ProviderBatch): Promise<void> {
    if (remote.status === 'cancelled' && context.job.cancelRequestedAt !== null) return
    const isExpired = remote.status === 'expired'
    const answer = isExpired
      ? unanswered('expired', 'batch_expired', 'the batch expired before this request was answered')
      : unanswered('missing', 'missing', `the provider's result files of a ${remote.rawStatus} batch have no line for this item`)
    await mergeUnanswered(context, bench, answer)
  }

  /** Gives every item of the batch that has no answer this one. */
  async function mergeUnanswered({ batch }: BatchContext, bench: Bench, answer: CanonicalAnswer): Promise<void> {
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

  /** A batch refused whole has no answers: its lines are at fault, or the provider's room, key or day. */
  async function handleRefusal(key: BatchKey, context: BatchContext, refusal: BatchRefusal): Promise<BatchStep> {
    switch (refusal.kind) {
      case 'enqueued_tokens':
        await backToAdmission(dependencies, key, refusal.code, refusal.message)
        return step('admit')
      case 'auth': {
        await backToAdmission(dependencies, key, refusal.code, refusal.message)
        return await pauseForPerson(dependencies, key, 'auth', refusal.message, 'admit')
      }
      case 'input':
        await failNamedLines(context, refusal)
        return await splitRefused(key, context, refusal)
      case 'other': {
        const bench = benchFor(dependencies, context, () => null)
        await mergeUnanswered(context, bench, unanswered('transient', refusal.code, refusal.message))
        return await endBatch(key, 'failed', { count: 0, examples: [] }, refusal)
      }
    }
  }

  async function failNamedLines(context: BatchContext, refusal: BatchRefusal): Promise<void> {
    const named: Array<{ seq: number; reason: string; code: string }> = []
    for (const { line, code, message } of refusal.lines) {
      const seq = await seqOfLine(database.drizzle, context.batch, line)
      if (seq !== null) named.push({ seq, reason: message, code })
    }
    // A batch of one item that is refused is refused for that item.
    if (named.length === 0 && context.batch.items === 1)
      named.push({ seq: context.batch.seqFrom, reason: refusal.message, code: refusal.code })
    await failItems(dependencies, context, named)
  }

  /** The rest of a refused batch is sent again in the same round: whole when the culprits were named, else in halves. */
  async function splitRefused(key: BatchKey, { batch }: BatchContext, refusal: BatchRefusal): Promise<BatchStep> {
    const parts = await database.drizzle.transaction(async (tx) => {
      await loadBatch(tx, key.jobId, key.batch, 'lock')
      return await splitBatch(tx, batch, refusal.lines.length > 0 ? 1 : 2)
    })
    return await endBatch(key, 'failed', { count: 0, examples: [] }, refusal, parts)
  }

  async function endBatch(
    key: BatchKey,
    result: BatchResult,
    strays: Strays,
    refusal: BatchRefusal | null = null,
    parts: number[] = [],
  ): Promise<BatchStep> {
    await database.drizzle.transaction(async (tx) => {
      const batch = await loadBatch(tx, key.jobId, key.batch, 'lock')
      if (batch.status === 'ended') return
      await recordActualCost(tx, batch)
      await updateBatch(tx, key.jobId, key.batch, {
        status: 'ended',
        result,
        endedAt: new Date(),
        ...(refusal === null ? {} : { errorCode: refusal.code, errorMessage: refusal.message }),
      })
      if (strays.count > 0)
        await appendEvent(tx, key.jobId, 'stray_results', { batch: key.batch, count: strays.count, examples: strays.examples })
      await appendEvent(tx, key.jobId, 'batch_ended', {
        batch: key.batch,
        result,
        answered: batch.answered,
        ...(refusal === null ? {} : { code: refusal.code, message: refusal.message, continued_in: parts }),
      })
    })
    return step('ended')
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
      throw new Error(`batch ${remote.id} is ${remote.rawStatus} again after it had ended`)
  }
}

/** Result files may lag behind the batch's end: only after a while is it believed that there are none. */
function isRecent(endedAt: Date | null): boolean {
  return endedAt !== null && Date.now() - endedAt.getTime() < filesLagMs
}

function noteStray(strays: Strays, itemId: string | null): void {
  strays.count += 1
  if (strays.examples.length < strayExamples) strays.examples.push((itemId ?? '(no id)').slice(0, 100))
}
