import { rm, stat } from 'node:fs/promises'
import { nothingBilled } from '../batch-bill.ts'
import { writeResultLines, type WrittenResults } from '../batch-results.ts'
import { createBatchRuns, type BatchRunner as AnyBatchRunner, type Run } from '../batch-runs.ts'
import type { Books } from '../books.ts'
import { createEnqueuedTokens } from '../enqueued-tokens.ts'
import { createFileWriter } from '../file-writer.ts'
import type { Load } from '../load.ts'
import type { LiveOptions } from '../options.ts'
import type { WebhookSender } from '../webhook-sender.ts'
import type { BatchFiles } from './batch-files.ts'
import { quotaExceeded, rpcCodes } from './errors.ts'
import { batchName, resultsFileId } from './ids.ts'
import { filePrefix, inlinePrefix, prepareBatch, type PreparedBatch } from './prepared-batch.ts'
import { isOver, type BatchEnded, type GeminiState, type StoredBatch, type StoredFile } from './state.ts'
import { webhookEvent } from './webhook-event.ts'
import type { WireStatus } from './wire.ts'

export interface BatchRunner extends AnyBatchRunner<StoredBatch> {
  /** Throws the API's 429 if a batch of so many tokens is one too many. */
  refuseAboveLimits(key: string, model: string, tokens: number): void
  /** Stops a batch that is deleted: nothing of it is kept. */
  drop(batch: StoredBatch): void
  /** How many requests are done by now. */
  finished(batch: StoredBatch): number
  /** How many of the first so many requests failed. */
  failed(batch: StoredBatch, finished: number): number
  /** By `<key>/<model>`. */
  readonly enqueuedTokens: ReadonlyMap<string, Load>
}

export interface RunnerDeps {
  readonly state: GeminiState
  readonly books: Books
  readonly options: LiveOptions
  readonly directory: string
  readonly files: BatchFiles
  readonly webhooks: WebhookSender
}

const cancelled: WireStatus = { code: rpcCodes.CANCELLED, message: 'The operation was cancelled.' }
const expired: WireStatus = {
  code: rpcCodes.DEADLINE_EXCEEDED,
  message: 'The batch has expired because it was running or pending for more than 48 hours.',
}

export function createBatchRunner({ state, books, options, directory, files, webhooks }: RunnerDeps): BatchRunner {
  const enqueuedTokens = createEnqueuedTokens(options)
  const runs = createBatchRuns<StoredBatch, PreparedBatch>({
    options,
    directory,
    work,
    fail: (batch) => endWithout(batch, 'BATCH_STATE_FAILED', { code: rpcCodes.INTERNAL, message: 'Internal error encountered.' }),
  })

  async function work(batch: StoredBatch, run: Run<PreparedBatch>): Promise<void> {
    const enqueued = enqueuedTokens.enqueue(batch.key, batch.model, batch.inputTokens, false)
    if ('release' in enqueued) run.release = enqueued.release
    const open = (): boolean => batch.cancelMs === null && !batch.deleted
    await runs.waitUntil(run, () =>
      open() && batch.state === 'BATCH_STATE_PENDING'
        ? Math.min(batch.createdMs + options.current.validating_ms, batch.expiresMs)
        : null,
    )
    if (open() && batch.problem !== null)
      return endWithout(batch, 'BATCH_STATE_FAILED', { code: rpcCodes.INVALID_ARGUMENT, message: batch.problem })
    if (open() && batch.expiresMs > Date.now()) {
      run.prepared = await runs.pass(() =>
        prepareBatch({
          batch,
          options: options.current,
          seed: options.seed,
          inputPath: files.inputPath(batch),
          spoolPath: runs.spoolPath(batch),
          attemptsOf: (fingerprint) => state.attemptsOf(fingerprint),
        }),
      )
      if (open() && batch.state === 'BATCH_STATE_PENDING') state.record({ type: 'batch_started', id: batch.id, at: Date.now() })
      await runs.waitUntil(run, () => (open() ? runs.dueAt(batch, batch.startedMs ?? 0) : null))
    }
    await end(batch, run)
  }

  async function end(batch: StoredBatch, run: Run<PreparedBatch>): Promise<void> {
    const { cancelMs } = batch
    if (cancelMs !== null && !batch.deleted)
      await runs.waitUntil(run, () => (batch.deleted ? null : cancelMs + options.current.cancelling_ms))
    if (cancelMs !== null || batch.deleted) return endWithout(batch, 'BATCH_STATE_CANCELLED', cancelled)
    // What was done is lost: https://ai.google.dev/gemini-api/docs/batch-api ("will not have any results to retrieve").
    if (run.prepared === null || finishedSoFar(batch) < batch.total) return endWithout(batch, 'BATCH_STATE_EXPIRED', expired)
    const { prepared } = run
    const { fates, bill, attempts } = await runs.pass(() => writeResults(batch, prepared))
    const now = Date.now()
    const resultsFile: StoredFile | null = prepared.inline
      ? null
      : {
          id: resultsFileId(batch.id),
          key: batch.key,
          displayName: null,
          mimeType: 'application/jsonl',
          bytes: (await stat(files.resultsPath(batch, false))).size,
          sha256: '',
          source: 'GENERATED',
          createdMs: now,
        }
    recordEnd(batch, {
      type: 'batch_ended',
      id: batch.id,
      at: now,
      state: 'BATCH_STATE_SUCCEEDED',
      finished: batch.total,
      counts: { succeeded: fates.output + fates.lost, failed: fates.error },
      error: null,
      resultsFile,
      bill,
      attempts,
    })
    await files.removeInput(batch)
  }

  function recordEnd(batch: StoredBatch, entry: BatchEnded): void {
    state.record({ ...entry, announced: webhooks.isWanted() && !batch.hasOwnWebhooks })
    const event = batch.announced ? webhookEvent(batch) : null
    if (event !== null) webhooks.send(event)
  }

  /** Nothing is kept of it, and nothing charged. */
  function endWithout(
    batch: StoredBatch,
    ended: 'BATCH_STATE_FAILED' | 'BATCH_STATE_CANCELLED' | 'BATCH_STATE_EXPIRED',
    error: WireStatus,
  ): void {
    const finished = finishedSoFar(batch)
    const shared = { id: batch.id, at: Date.now(), finished, counts: null, resultsFile: null, bill: nothingBilled, attempts: {} }
    recordEnd(batch, { type: 'batch_ended', state: ended, error, ...shared })
    void files.removeInput(batch)
  }

  async function writeResults(batch: StoredBatch, prepared: PreparedBatch): Promise<WrittenResults> {
    const { quirks } = options.current
    const others = quirks.foreign_lines === 0 ? [] : [...state.batches.values()].filter(({ id }) => id !== batch.id)
    const path = files.resultsPath(batch, prepared.inline)
    const results = await createFileWriter(path)
    try {
      return await writeResultLines(
        {
          batch,
          prepared,
          finished: batch.total,
          // Within the answer of the API itself nothing is broken.
          quirks: prepared.inline ? { ...quirks, invalid_json_lines: 0, invalid_utf8_lines: 0 } : quirks,
          seed: options.seed,
          foreignCustomId: others.findLast(({ sampleKey }) => sampleKey !== null)?.sampleKey ?? null,
          billPath: books.batchRequestsPath(batchName(batch.id)),
          foreignPrefix: prepared.inline ? (key) => inlinePrefix({ key, metadata: null }) : filePrefix,
          unfinishedEnding: null,
        },
        results,
        results,
      )
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await results.close()
    }
  }

  /** Nothing is done before all requests have been read. */
  function finishedSoFar(batch: StoredBatch): number {
    const run = runs.get(batch.id)
    if (isOver(batch) || batch.cancelMs !== null || batch.startedMs === null || run === undefined || run.prepared === null)
      return batch.finished
    return runs.finishedAt(batch, run, batch.startedMs, Date.now())
  }

  return {
    start: (batch) => runs.start(batch),
    refuseAboveLimits(key, model, tokens) {
      const { concurrent_batch_limit: most } = options.current
      const open = [...state.batches.values()].filter((batch) => batch.key === key && !isOver(batch)).length
      if (most !== null && open >= most) throw quotaExceeded('ConcurrentBatchRequestsPerProject', null, most, null)
      const enqueued = enqueuedTokens.enqueue(key, model, tokens, true)
      if ('limit' in enqueued) throw quotaExceeded('BatchEnqueuedTokensPerProjectPerModel', model, enqueued.limit, null)
      // The batch takes them into account itself when it starts.
      enqueued.release()
    },
    cancel(batch) {
      state.record({ type: 'batch_cancelling', id: batch.id, at: Date.now(), finished: finishedSoFar(batch) })
      runs.get(batch.id)?.wake()
    },
    drop: (batch) => runs.get(batch.id)?.wake(),
    finished: finishedSoFar,
    failed(batch, finished) {
      const prepared = runs.get(batch.id)?.prepared
      return prepared?.order.slice(0, finished).filter((index) => prepared.lines[index]?.fate === 'error').length ?? 0
    },
    wakeAll: () => runs.wakeAll(),
    inFlight: runs.inFlight,
    enqueuedTokens: enqueuedTokens.loads,
    close: () => runs.close(),
  }
}
