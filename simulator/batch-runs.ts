import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { completes, finishedPart } from './completion-curve.ts'
import { addToLoad, type Load } from './load.ts'
import type { LiveOptions } from './options.ts'
import { createSemaphore } from './semaphore.ts'
import type { Spool } from './spool.ts'

export interface RunningBatch {
  readonly id: string
  readonly expiresMs: number
  readonly total: number
  readonly finished: number
}

/** One batch that is being worked on. */
export interface Run<Prepared> {
  prepared: Prepared | null
  /** Never falls, although options may change under way. */
  finished: number
  /** Frees what the batch takes while it runs. */
  release: () => void
  wake: () => void
}

export interface BatchRuns<Batch extends RunningBatch, Prepared> {
  /** Takes a batch in hand, new or left over from before a restart. */
  start(batch: Batch): void
  get(batchId: string): Run<Prepared> | undefined
  /** Reads or writes a batch's files, when it is its turn. */
  pass<T>(work: () => Promise<T>): Promise<T>
  waitUntil(run: Run<Prepared>, dueMs: () => number | null): Promise<void>
  /** How many requests are done by now, if the batch began at `startedMs`. */
  finishedAt(batch: Batch, run: Run<Prepared>, startedMs: number, nowMs: number): number
  /** When a batch that began at `startedMs` is done, or expires. */
  dueAt(batch: Batch, startedMs: number): number
  spoolPath(batch: Batch): string
  /** To be called when options changed: looks at every open batch again. */
  wakeAll(): void
  readonly inFlight: Load
  /** Stops where it is; a later start of the same data directory goes on. */
  close(): Promise<void>
}

/** What the routes of a provider ask of whoever carries its batches on. */
export interface BatchRunner<Batch> {
  /** Takes a batch in hand, new or left over from before a restart. */
  start(batch: Batch): void
  /** Lets go what isn't finished yet. Only for a batch that isn't over. */
  cancel(batch: Batch): void
  /** To be called when options changed: looks at every open batch again. */
  wakeAll(): void
  /** Open batches of all keys. */
  readonly inFlight: Load
  /** Stops where it is; a later start of the same data directory goes on. */
  close(): Promise<void>
}

export interface BatchRunsDeps<Batch extends RunningBatch, Prepared> {
  readonly options: LiveOptions
  readonly directory: string
  readonly work: (batch: Batch, run: Run<Prepared>) => Promise<void>
  /** Something in the simulator itself broke: the batch has to end. */
  readonly fail: (batch: Batch) => void
}

/** Batches that read or write their files at the same time: a small one needn't wait for a big one. */
const passesAtOnce = 4
const longestTimerMs = 2_000_000_000

class Stopped extends Error {}

/** Carries batches from their start to their end, each at its own time. */
export function createBatchRuns<Batch extends RunningBatch, Prepared extends { readonly spool: Spool }>({
  options,
  directory,
  work,
  fail,
}: BatchRunsDeps<Batch, Prepared>): BatchRuns<Batch, Prepared> {
  const running = new Map<string, Run<Prepared>>()
  const ends = new Set<Promise<void>>()
  const inFlight: Load = { current: 0, peak: 0 }
  const place = createSemaphore(passesAtOnce)
  const spoolDirectory = join(directory, 'spool')
  // What a killed process left there is worked out again.
  rmSync(spoolDirectory, { recursive: true, force: true })
  mkdirSync(spoolDirectory, { recursive: true })
  let stopped = false

  return {
    start(batch) {
      const own: Run<Prepared> = { prepared: null, finished: batch.finished, release: () => {}, wake: () => {} }
      running.set(batch.id, own)
      addToLoad(inFlight, 1)
      const done = work(batch, own)
        .catch((error: unknown) => {
          if (error instanceof Stopped || stopped) return
          process.stderr.write(`simulator: batch ${batch.id}: ${error instanceof Error ? error.stack : String(error)}\n`)
          fail(batch)
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
    get: (batchId) => running.get(batchId),
    pass: (passed) =>
      place(() => {
        if (stopped) throw new Stopped()
        return passed()
      }),
    async waitUntil(run, dueMs) {
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
    },
    finishedAt(batch, run, startedMs, nowMs) {
      const { duration_ms: durationMs, curve } = options.current
      const elapsed = durationMs === 0 ? 1 : (Math.min(nowMs, batch.expiresMs) - startedMs) / durationMs
      run.finished = Math.max(run.finished, Math.floor(finishedPart(curve, elapsed) * batch.total))
      return run.finished
    },
    dueAt(batch, startedMs) {
      const { duration_ms: durationMs, curve } = options.current
      return Math.min(completes(curve) ? startedMs + durationMs : Number.POSITIVE_INFINITY, batch.expiresMs)
    },
    spoolPath: (batch) => join(spoolDirectory, batch.id),
    wakeAll() {
      for (const own of running.values()) own.wake()
    },
    inFlight,
    async close() {
      stopped = true
      for (const own of running.values()) own.wake()
      await Promise.all(ends)
    },
  }
}
