import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Books } from '../books.ts'
import { completes, finishedPart } from '../completion-curve.ts'
import type { LiveOptions } from '../options.ts'
import { createSemaphore } from '../semaphore.ts'
import type { BatchError } from './batch-line.ts'
import { writeResults } from './batch-results.ts'
import { addToLoad, createEnqueuedTokens, type Load } from './enqueued-tokens.ts'
import { prepareBatch, type PreparedBatch } from './prepared-batch.ts'
import { isTerminal, type BatchBill, type EndedStatus, type OpenaiState, type StoredBatch, type StoredFile } from './state.ts'

export interface Progress {
  readonly completed: number
  readonly failed: number
}

export interface BatchRunner {
  /** Takes a batch in hand, new or left over from before a restart. */
  start(batch: StoredBatch): void
  /** Lets go what isn't finished yet. Only for a batch that is validating or in progress. */
  cancel(batch: StoredBatch): void
  progress(batch: StoredBatch): Progress
  /** To be called when options changed: looks at every open batch again. */
  wakeAll(): void
  /** Open batches of all projects, and enqueued tokens by `<key>/<model>`. */
  readonly inFlight: Load
  readonly enqueuedTokens: ReadonlyMap<string, Load>
  /** Stops where it is; a later start of the same data directory goes on. */
  close(): Promise<void>
}

export interface RunnerDeps {
  readonly state: OpenaiState
  readonly books: Books
  readonly options: LiveOptions
  readonly directory: string
  readonly pathOf: (fileId: string) => string
}

interface Running {
  prepared: PreparedBatch | null
  /** Never falls, although options may change under way. */
  finished: number
  failedUpTo: number
  failed: number
  /** Frees its enqueued tokens. */
  release: () => void
  wake: () => void
}

/** Batches that read or write their files at the same time: a small one needn't wait for a big one. */
const passesAtOnce = 4
const longestTimerMs = 2_000_000_000

class Stopped extends Error {}

export function createBatchRunner({ state, books, options, directory, pathOf }: RunnerDeps): BatchRunner {
  const running = new Map<string, Running>()
  const ends = new Set<Promise<void>>()
  const inFlight: Load = { current: 0, peak: 0 }
  const enqueuedTokens = createEnqueuedTokens(options)
  const place = createSemaphore(passesAtOnce)
  const spoolDirectory = join(directory, 'spool')
  // What a killed process left there is worked out again.
  rmSync(spoolDirectory, { recursive: true, force: true })
  mkdirSync(spoolDirectory, { recursive: true })
  let stopped = false

  const pass = <T>(work: () => Promise<T>): Promise<T> =>
    place(() => {
      if (stopped) throw new Stopped()
      return work()
    })

  const waitUntil = async (run: Running, dueMs: () => number | null): Promise<void> => {
    for (;;) {
      if (stopped) throw new Stopped()
      const due = dueMs()
      const left = due === null ? 0 : due - Date.now()
      if (left <= 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, longestTimerMs))
        run.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  const prepare = async (batch: StoredBatch): Promise<PreparedBatch | BatchError[]> => {
    // Later than that, a deleted file is still on the disk for its open batch.
    if (batch.status === 'validating' && !isUsableInput(state.files.get(batch.inputFileId), batch)) {
      return [{ code: 'invalid_request', message: `Cannot find file ${batch.inputFileId}.`, param: 'input_file_id', line: null }]
    }
    return pass(() =>
      prepareBatch({
        batch,
        options: options.current,
        seed: options.seed,
        inputPath: pathOf(batch.inputFileId),
        spoolPath: join(spoolDirectory, batch.id),
        attemptsOf: (fingerprint) => state.attemptsOf(fingerprint),
      }),
    )
  }

  const enqueue = (batch: StoredBatch, run: Running, { model, inputTokens }: PreparedBatch): BatchError[] => {
    const enqueued = enqueuedTokens.enqueue(batch.key, model, inputTokens, batch.status === 'validating')
    if ('error' in enqueued) return [enqueued.error]
    run.release = enqueued.release
    return []
  }

  const finishedAt = (batch: StoredBatch, run: Running, nowMs: number): number => {
    const { duration_ms: durationMs, curve } = options.current
    const elapsedMs = Math.min(nowMs, batch.expiresMs) - (batch.times.inProgress ?? nowMs)
    const elapsed = durationMs === 0 ? 1 : elapsedMs / durationMs
    run.finished = Math.max(run.finished, Math.floor(finishedPart(curve, elapsed) * batch.total))
    return run.finished
  }

  const dueAt = (batch: StoredBatch): number => {
    const { duration_ms: durationMs, curve } = options.current
    const done = completes(curve) ? (batch.times.inProgress ?? 0) + durationMs : Number.POSITIVE_INFINITY
    return Math.min(done, batch.expiresMs)
  }

  const validate = async (batch: StoredBatch, run: Running): Promise<void> => {
    const prepared = await prepare(batch)
    await waitUntil(run, () => (batch.status === 'validating' ? batch.createdMs + options.current.validating_ms : null))
    if (!Array.isArray(prepared)) run.prepared = prepared
    if (batch.status !== 'validating') return
    const errors = Array.isArray(prepared) ? prepared : enqueue(batch, run, prepared)
    if (errors.length > 0) {
      state.record({ type: 'batch_failed', id: batch.id, at: Date.now(), errors })
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

  const end = async (batch: StoredBatch, run: Running): Promise<void> => {
    const outcome: EndedStatus =
      batch.status === 'cancelling' ? 'cancelled' : batch.finished < batch.total ? 'expired' : 'completed'
    const { prepared } = run
    if (prepared === null || batch.total === 0) {
      state.record({
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
    const results = await pass(() =>
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
    state.record({
      ...ended(batch, outcome),
      failedRequests,
      files,
      outputFileId: output?.id ?? null,
      errorFileId: error?.id ?? null,
      bill,
      attempts,
    })
  }

  const run = async (batch: StoredBatch, run: Running): Promise<void> => {
    if (batch.status === 'validating') await validate(batch, run)
    if (isTerminal(batch.status)) return
    if (run.prepared === null && batch.total > 0) {
      const prepared = await prepare(batch)
      if (Array.isArray(prepared)) throw new Error(`batch ${batch.id}: its input file is no longer valid`)
      run.prepared = prepared
      enqueue(batch, run, prepared)
    }
    if (batch.status === 'in_progress') {
      await waitUntil(run, () => (batch.status === 'in_progress' ? dueAt(batch) : null))
      if (batch.status === 'in_progress') {
        const now = Date.now()
        state.record({ type: 'batch_finalizing', id: batch.id, at: now, finished: finishedAt(batch, run, now) })
      }
    }
    const { cancelling, finalizing } = batch.times
    if (cancelling !== undefined) await waitUntil(run, () => cancelling + options.current.cancelling_ms)
    else if (finalizing !== undefined) await waitUntil(run, () => finalizing + options.current.finalizing_ms)
    await end(batch, run)
  }

  return {
    start(batch) {
      const own: Running = {
        prepared: null,
        finished: batch.finished,
        failedUpTo: 0,
        failed: 0,
        release: () => {},
        wake: () => {},
      }
      running.set(batch.id, own)
      addToLoad(inFlight, 1)
      const done = run(batch, own)
        .catch((error: unknown) => {
          if (error instanceof Stopped || stopped) return
          process.stderr.write(`simulator: batch ${batch.id}: ${error instanceof Error ? error.stack : String(error)}\n`)
          state.record({
            type: 'batch_failed',
            id: batch.id,
            at: Date.now(),
            errors: [{ code: 'server_error', message: 'Internal error.', param: null, line: null }],
          })
        })
        .finally(() => {
          own.prepared?.spool.discard()
          own.release()
          addToLoad(inFlight, -1)
          running.delete(batch.id)
          ends.delete(done)
        })
      ends.add(done)
    },
    cancel(batch) {
      const own = running.get(batch.id)
      const now = Date.now()
      const finished = batch.status === 'in_progress' && own !== undefined ? finishedAt(batch, own, now) : 0
      state.record({ type: 'batch_cancelling', id: batch.id, at: now, finished })
      own?.wake()
    },
    progress(batch) {
      const own = running.get(batch.id)
      if (batch.status !== 'in_progress' || own === undefined) {
        const failed = isTerminal(batch.status) || own === undefined ? batch.failedRequests : countFailed(own, batch.finished)
        return { completed: batch.finished - failed, failed }
      }
      const finished = finishedAt(batch, own, Date.now())
      const failed = countFailed(own, finished)
      return { completed: finished - failed, failed }
    },
    wakeAll() {
      for (const own of running.values()) own.wake()
    },
    inFlight,
    enqueuedTokens: enqueuedTokens.loads,
    async close() {
      stopped = true
      for (const own of running.values()) own.wake()
      await Promise.all(ends)
    },
  }
}

function isUsableInput(file: StoredFile | undefined, batch: StoredBatch): boolean {
  return (
    file !== undefined &&
    file.key === batch.key &&
    file.purpose === 'batch' &&
    (file.expiresMs === null || file.expiresMs > Date.now())
  )
}

/** How many of the first `finished` lines failed; goes on from where it counted before. */
function countFailed(run: Running, finished: number): number {
  if (run.prepared === null) return 0
  const { lines, order } = run.prepared
  for (; run.failedUpTo < finished; run.failedUpTo++) if (lines[order[run.failedUpTo] ?? 0]?.fate === 'error') run.failed++
  return run.failed
}

const nothingBilled: BatchBill = {
  requests: 0,
  deliveredRequests: 0,
  inputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: '0',
  deliveredCostNanoUsd: '0',
}

function ended(batch: StoredBatch, status: EndedStatus): { type: 'batch_ended'; id: string; at: number; status: EndedStatus } {
  return { type: 'batch_ended', id: batch.id, at: Date.now(), status }
}
