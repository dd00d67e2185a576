import { nothingBilled } from '../batch-bill.ts'
import { createBatchRuns, type BatchRunner as AnyBatchRunner, type Run } from '../batch-runs.ts'
import type { Books } from '../books.ts'
import { createEnqueuedTokens } from '../enqueued-tokens.ts'
import type { Load } from '../load.ts'
import type { LiveOptions } from '../options.ts'
import type { WebhookSender } from '../webhook-sender.ts'
import type { BatchError } from './batch-line.ts'
import { writeResults } from './batch-results.ts'
import { prepareBatch, type PreparedBatch } from './prepared-batch.ts'
import { isTerminal, type BatchEnd, type EndedStatus, type OpenaiState, type StoredBatch, type StoredFile } from './state.ts'
import { webhookEvent } from './webhook-event.ts'

export interface Progress {
  readonly completed: number
  readonly failed: number
}

export interface BatchRunner extends AnyBatchRunner<StoredBatch> {
  progress(batch: StoredBatch): Progress
  /** By `<key>/<model>`. */
  readonly enqueuedTokens: ReadonlyMap<string, Load>
}

export interface RunnerDeps {
  readonly state: OpenaiState
  readonly books: Books
  readonly options: LiveOptions
  readonly directory: string
  readonly pathOf: (fileId: string) => string
  readonly webhooks: WebhookSender
}

/** How many of the first lines failed, counted on from where it was counted before. */
interface FailedSoFar {
  upTo: number
  failed: number
}

export function createBatchRunner({ state, books, options, directory, pathOf, webhooks }: RunnerDeps): BatchRunner {
  const enqueuedTokens = createEnqueuedTokens(options)
  const failedSoFar = new WeakMap<PreparedBatch, FailedSoFar>()
  const runs = createBatchRuns<StoredBatch, PreparedBatch>({
    options,
    directory,
    work,
    fail: (batch) =>
      recordEnd(batch, {
        type: 'batch_failed',
        id: batch.id,
        at: Date.now(),
        errors: [{ code: 'server_error', message: 'Internal error.', param: null, line: null }],
      }),
  })

  function recordEnd(batch: StoredBatch, entry: BatchEnd): void {
    state.record({ ...entry, announced: webhooks.isWanted() })
    const event = batch.announced ? webhookEvent(batch) : null
    if (event !== null) webhooks.send(event)
  }

  const prepare = async (batch: StoredBatch): Promise<PreparedBatch | BatchError[]> => {
    // Later than that, a deleted file is still on the disk for its open batch.
    if (batch.status === 'validating' && !isUsableInput(state.files.get(batch.inputFileId), batch)) {
      return [{ code: 'invalid_request', message: `Cannot find file ${batch.inputFileId}.`, param: 'input_file_id', line: null }]
    }
    return runs.pass(() =>
      prepareBatch({
        batch,
        options: options.current,
        seed: options.seed,
        inputPath: pathOf(batch.inputFileId),
        spoolPath: runs.spoolPath(batch),
        attemptsOf: (fingerprint) => state.attemptsOf(fingerprint),
      }),
    )
  }

  const enqueue = (batch: StoredBatch, run: Run<PreparedBatch>, { model, inputTokens }: PreparedBatch): BatchError[] => {
    const enqueued = enqueuedTokens.enqueue(batch.key, model, inputTokens, batch.status === 'validating')
    if ('limit' in enqueued) return [tokenLimitExceeded(model, enqueued.limit)]
    run.release = enqueued.release
    return []
  }

  const finishedAt = (batch: StoredBatch, run: Run<PreparedBatch>, nowMs: number): number =>
    runs.finishedAt(batch, run, batch.times.inProgress ?? nowMs, nowMs)

  const validate = async (batch: StoredBatch, run: Run<PreparedBatch>): Promise<void> => {
    const prepared = await prepare(batch)
    await runs.waitUntil(run, () => (batch.status === 'validating' ? batch.createdMs + options.current.validating_ms : null))
    if (!Array.isArray(prepared)) run.prepared = prepared
    if (batch.status !== 'validating') return
    const errors = Array.isArray(prepared) ? prepared : enqueue(batch, run, prepared)
    if (errors.length > 0) {
      recordEnd(batch, { type: 'batch_failed', id: batch.id, at: Date.now(), errors })
    } else if (!Array.isArray(prepared)) {
      const { model, inputTokens, sampleCustomId, lines } = prepared
      state.record({
        type: 'batch_started',
        id: batch.id,
        at: Date.now(),
        total: lines.length,
        model,
        inputTokens,
        sampleCustomId,
      })
    }
  }

  const end = async (batch: StoredBatch, run: Run<PreparedBatch>): Promise<void> => {
    const outcome: EndedStatus =
      batch.status === 'cancelling' ? 'cancelled' : batch.finished < batch.total ? 'expired' : 'completed'
    const { prepared } = run
    if (prepared === null || batch.total === 0) {
      recordEnd(batch, {
        ...ended(batch, outcome),
        failedRequests: 0,
        files: [],
        outputFileId: null,
        errorFileId: null,
        bill: nothingBilled,
        attempts: {},
      })
      return
    }
    const others =
      options.current.quirks.foreign_lines === 0 ? [] : [...state.batches.values()].filter(({ id }) => id !== batch.id)
    const results = await runs.pass(() =>
      writeResults({
        batch,
        prepared,
        outcome,
        finished: batch.finished,
        quirks: options.current.quirks,
        seed: options.seed,
        foreignCustomId: others.findLast(({ sampleCustomId }) => sampleCustomId !== null)?.sampleCustomId ?? null,
        pathOf,
        billPath: books.batchRequestsPath(batch.id),
      }),
    )
    const { output, error, failedRequests, bill, attempts } = results
    const now = Date.now()
    const expiresMs = now + (batch.outputExpiresSeconds ?? 30 * 86_400) * 1000
    const files: StoredFile[] = [output, error]
      .filter((file) => file !== null)
      .map((file) => ({ ...file, key: batch.key, purpose: 'batch_output', createdMs: now, expiresMs }))
    recordEnd(batch, {
      ...ended(batch, outcome),
      failedRequests,
      files,
      outputFileId: output?.id ?? null,
      errorFileId: error?.id ?? null,
      bill,
      attempts,
    })
  }

  async function work(batch: StoredBatch, run: Run<PreparedBatch>): Promise<void> {
    if (batch.status === 'validating') await validate(batch, run)
    if (isTerminal(batch.status)) return
    if (run.prepared === null && batch.total > 0) {
      const prepared = await prepare(batch)
      if (Array.isArray(prepared)) throw new Error(`batch ${batch.id}: its input file is no longer valid`)
      run.prepared = prepared
      enqueue(batch, run, prepared)
    }
    if (batch.status === 'in_progress') {
      const startedMs = batch.times.inProgress ?? 0
      await runs.waitUntil(run, () => (batch.status === 'in_progress' ? runs.dueAt(batch, startedMs) : null))
      if (batch.status === 'in_progress') {
        const now = Date.now()
        state.record({ type: 'batch_finalizing', id: batch.id, at: now, finished: finishedAt(batch, run, now) })
      }
    }
    const { cancelling, finalizing } = batch.times
    if (cancelling !== undefined) await runs.waitUntil(run, () => cancelling + options.current.cancelling_ms)
    else if (finalizing !== undefined) await runs.waitUntil(run, () => finalizing + options.current.finalizing_ms)
    await end(batch, run)
  }

  const countFailed = ({ prepared }: Run<PreparedBatch>, finished: number): number => {
    if (prepared === null) return 0
    const soFar = failedSoFar.get(prepared) ?? { upTo: 0, failed: 0 }
    failedSoFar.set(prepared, soFar)
    const { lines, order } = prepared
    for (; soFar.upTo < finished; soFar.upTo++) if (lines[order[soFar.upTo] ?? 0]?.fate === 'error') soFar.failed++
    return soFar.failed
  }

  return {
    start: (batch) => runs.start(batch),
    cancel(batch) {
      const own = runs.get(batch.id)
      const now = Date.now()
      const finished = batch.status === 'in_progress' && own !== undefined ? finishedAt(batch, own, now) : 0
      state.record({ type: 'batch_cancelling', id: batch.id, at: now, finished })
      own?.wake()
    },
    progress(batch) {
      const own = runs.get(batch.id)
      if (batch.status !== 'in_progress' || own === undefined) {
        const failed = isTerminal(batch.status) || own === undefined ? batch.failedRequests : countFailed(own, batch.finished)
        return { completed: batch.finished - failed, failed }
      }
      const finished = finishedAt(batch, own, Date.now())
      const failed = countFailed(own, finished)
      return { completed: finished - failed, failed }
    },
    wakeAll: () => runs.wakeAll(),
    inFlight: runs.inFlight,
    enqueuedTokens: enqueuedTokens.loads,
    close: () => runs.close(),
  }
}

/** The text as reported in https://github.com/openai/openai-python/issues/2084 */
function tokenLimitExceeded(model: string, limit: number): BatchError {
  const message = `Enqueued token limit reached for ${model} in organization org-simulator. Limit: ${limit.toLocaleString('en-US')} enqueued tokens. Please try again once some in_progress batches have been completed.`
  return { code: 'token_limit_exceeded', message, param: null, line: null }
}

function isUsableInput(file: StoredFile | undefined, batch: StoredBatch): boolean {
  return (
    file !== undefined &&
    file.key === batch.key &&
    file.purpose === 'batch' &&
    (file.expiresMs === null || file.expiresMs > Date.now())
  )
}

function ended(batch: StoredBatch, status: EndedStatus): { type: 'batch_ended'; id: string; at: number; status: EndedStatus } {
  return { type: 'batch_ended', id: batch.id, at: Date.now(), status }
}
