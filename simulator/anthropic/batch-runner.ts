import { rm } from 'node:fs/promises'
import { nothingBilled } from '../batch-bill.ts'
import { writeResultLines, type WrittenResults } from '../batch-results.ts'
import { createBatchRuns, type BatchRunner as AnyBatchRunner, type Run } from '../batch-runs.ts'
import type { Books } from '../books.ts'
import { createFileWriter } from '../file-writer.ts'
import type { LiveOptions } from '../options.ts'
import type { PreparedLines } from '../prepared-lines.ts'
import type { BatchFiles } from './batch-files.ts'
import { linePrefix, prepareBatch, unexecutedEnding } from './prepared-batch.ts'
import type { AnthropicState, StoredBatch } from './state.ts'

export interface BatchRunner extends AnyBatchRunner<StoredBatch> {
  /** How many requests are done by now: for the books, the API doesn't tell. */
  finished(batch: StoredBatch): number
}

export interface RunnerDeps {
  readonly state: AnthropicState
  readonly books: Books
  readonly options: LiveOptions
  readonly directory: string
  readonly files: BatchFiles
}

export function createBatchRunner({ state, books, options, directory, files }: RunnerDeps): BatchRunner {
  const runs = createBatchRuns<StoredBatch, PreparedLines>({
    options,
    directory,
    work,
    fail: (batch) =>
      state.record({
        ...ended(batch, batch.finished),
        counts: { succeeded: 0, errored: batch.total, canceled: 0, expired: 0 },
        bill: nothingBilled,
        attempts: {},
      }),
  })

  const finishedAt = (batch: StoredBatch, run: Run<PreparedLines>): number =>
    runs.finishedAt(batch, run, batch.createdMs, Date.now())

  async function work(batch: StoredBatch, run: Run<PreparedLines>): Promise<void> {
    const prepared = await runs.pass(() =>
      prepareBatch({
        batch,
        options: options.current,
        seed: options.seed,
        inputPath: files.inputPath(batch.id),
        spoolPath: runs.spoolPath(batch),
        attemptsOf: (fingerprint) => state.attemptsOf(fingerprint),
      }),
    )
    run.prepared = prepared
    await runs.waitUntil(run, () => (batch.status === 'in_progress' ? runs.dueAt(batch, batch.createdMs) : null))
    const finished = batch.cancelMs === null ? finishedAt(batch, run) : batch.finished
    const { cancelMs } = batch
    if (cancelMs !== null) await runs.waitUntil(run, () => cancelMs + options.current.cancelling_ms)
    const { fates, bill, attempts } = await runs.pass(() => writeResults(batch, prepared, finished))
    const unfinished = batch.total - finished
    state.record({
      ...ended(batch, finished),
      counts: {
        succeeded: fates.output + fates.lost,
        errored: fates.error,
        canceled: cancelMs === null ? 0 : unfinished,
        expired: fates.expired + (cancelMs === null ? unfinished : 0),
      },
      bill,
      attempts,
    })
    await rm(files.inputPath(batch.id), { force: true })
  }

  async function writeResults(batch: StoredBatch, prepared: PreparedLines, finished: number): Promise<WrittenResults> {
    const { quirks } = options.current
    const others = quirks.foreign_lines === 0 ? [] : [...state.batches.values()].filter(({ id }) => id !== batch.id)
    const results = await createFileWriter(files.resultsPath(batch.id))
    try {
      return await writeResultLines(
        {
          batch,
          prepared,
          finished,
          quirks,
          seed: options.seed,
          foreignCustomId: others.at(-1)?.sampleCustomId ?? null,
          billPath: books.batchRequestsPath(batch.id),
          foreignPrefix: linePrefix,
          unfinishedEnding: unexecutedEnding(batch.cancelMs === null ? 'expired' : 'canceled'),
        },
        results,
        results,
      )
    } finally {
      await results.close()
    }
  }

  /** Nothing is done before all requests have been read. */
  const finishedSoFar = (batch: StoredBatch): number => {
    const run = runs.get(batch.id)
    return batch.status !== 'in_progress' || run === undefined || run.prepared === null ? batch.finished : finishedAt(batch, run)
  }

  return {
    start: (batch) => runs.start(batch),
    cancel(batch) {
      state.record({ type: 'batch_canceling', id: batch.id, at: Date.now(), finished: finishedSoFar(batch) })
      runs.get(batch.id)?.wake()
    },
    finished: finishedSoFar,
    wakeAll: () => runs.wakeAll(),
    inFlight: runs.inFlight,
    close: () => runs.close(),
  }
}

function ended(batch: StoredBatch, finished: number): { type: 'batch_ended'; id: string; at: number; finished: number } {
  return { type: 'batch_ended', id: batch.id, at: Date.now(), finished }
}
