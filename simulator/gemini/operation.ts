import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { finishedPart } from '../completion-curve.ts'
import type { LiveOptions } from '../options.ts'
import type { BatchFiles } from './batch-files.ts'
import type { BatchRunner } from './batch-runner.ts'
import { resultsLifetimeMs } from './files.ts'
import { batchName, fileName, resultsFileId } from './ids.ts'
import { isOver, type StoredBatch } from './state.ts'
import type { WireOperation, WireOutput, WireStats } from './wire.ts'

export interface OperationDeps {
  readonly options: LiveOptions
  readonly runner: BatchRunner
  readonly files: BatchFiles
}

const types = 'type.googleapis.com/google.ai.generativelanguage.v1main.'

/**
 * A batch as the API shows it, with what is in https://github.com/flachesis/gemini-rust/pull/13 and https://github.com/maximhq/bifrost/pull/4904: the results
 * are in it twice. Results that come with the batch are not in a list of batches.
 */
export async function wireOperation(batch: StoredBatch, deps: OperationDeps, listed = false): Promise<WireOperation> {
  const kind = batch.method === 'batchGenerateContent' ? 'GenerateContentBatch' : 'EmbedContentBatch'
  const output = listed && batch.resultsInline ? null : await outputOf(batch, deps)
  const { displayName, inputFileId, endedMs } = batch
  return {
    name: batchName(batch.id),
    metadata: {
      '@type': `${types}${kind}`,
      model: `models/${batch.model}`,
      ...(displayName === null ? {} : { displayName }),
      ...(inputFileId === null ? {} : { inputConfig: { fileName: fileName(inputFileId) } }),
      ...(output === null ? {} : { output }),
      createTime: timestamp(batch.createdMs),
      ...(endedMs === null ? {} : { endTime: timestamp(endedMs) }),
      updateTime: timestamp(endedMs ?? batch.cancelMs ?? batch.startedMs ?? batch.createdMs),
      batchStats: statsOf(batch, deps),
      state: batch.state,
      name: batchName(batch.id),
    },
    ...(isOver(batch) ? { done: true } : {}),
    ...(batch.error === null ? {} : { error: batch.error }),
    ...(output === null ? {} : { response: { '@type': `${types}${kind}Output`, ...output } }),
  }
}

async function outputOf(batch: StoredBatch, { options, files }: OperationDeps): Promise<WireOutput | null> {
  if (batch.state !== 'BATCH_STATE_SUCCEEDED' || batch.endedMs === null) return null
  if (!batch.resultsInline) return { responsesFile: fileName(resultsFileId(batch.id)) }
  const { quirks } = options.current
  const lifetimeMs = resultsLifetimeMs(options)
  const path = files.resultsPath(batch, true)
  const now = Date.now()
  if (batch.endedMs + quirks.output_file_delay_ms > now || batch.endedMs + lifetimeMs <= now || !existsSync(path)) return null
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return { inlinedResponses: { inlinedResponses: lines.map((line) => JSON.parse(line) as unknown) } }
}

/** Counts as texts, what is 0 left out; they may be those of a while ago. */
function statsOf(batch: StoredBatch, { options, runner }: OperationDeps): WireStats {
  const { quirks, curve, duration_ms: durationMs } = options.current
  const { total, counts, endedMs, startedMs } = batch
  const at = Date.now() - quirks.counts_delay_ms
  if (endedMs !== null && at >= endedMs) {
    if (batch.state !== 'BATCH_STATE_SUCCEEDED' || counts === null) return stats(total, batch.finished, 0)
    return quirks.lying_counts ? stats(total, total, 0) : stats(total, counts.succeeded, counts.failed)
  }
  if (quirks.counts_delay_ms === 0) {
    const finished = runner.finished(batch)
    const failed = runner.failed(batch, finished)
    return stats(total, finished - failed, failed)
  }
  if (startedMs === null || at < startedMs || durationMs === 0) return stats(total, 0, 0)
  return stats(total, Math.floor(finishedPart(curve, (at - startedMs) / durationMs) * total), 0)
}

function stats(total: number, succeeded: number, failed: number): WireStats {
  const pending = total - succeeded - failed
  return {
    requestCount: String(total),
    ...(succeeded === 0 ? {} : { successfulRequestCount: String(succeeded) }),
    ...(failed === 0 ? {} : { failedRequestCount: String(failed) }),
    ...(pending === 0 ? {} : { pendingRequestCount: String(pending) }),
  }
}

function timestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
