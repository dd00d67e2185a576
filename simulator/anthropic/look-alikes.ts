import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFileWriter } from '../file-writer.ts'
import type { LiveOptions } from '../options.ts'
import type { LookAlikes } from '../provider-simulation.ts'
import type { BatchFiles } from './batch-files.ts'
import type { BatchRunner } from './batch-runner.ts'
import { addBatch, newBatchId } from './batches.ts'
import type { AnthropicState, StoredBatch } from './state.ts'

export interface LookAlikesDeps {
  readonly state: AnthropicState
  readonly options: LiveOptions
  readonly runner: BatchRunner
  readonly files: BatchFiles
}

const minuteMs = 60_000

/**
 * Batches that somebody else makes with the same key, of the same size and in the same minute as one of the caller's: a batch carries nothing else by which
 * its maker could know it. Their requests have ids of their own.
 */
export async function makeLookAlikes(deps: LookAlikesDeps, wanted: LookAlikes): Promise<string[]> {
  const { state, options, files } = deps
  const original = wanted.batchId === null ? null : state.batches.get(wanted.batchId)
  if (original === undefined) throw new Error(`no batch ${wanted.batchId}`)
  const key = original?.key ?? wanted.key
  if (key === null) throw new Error('look-alikes: whose?')
  const createdMs = original === null ? Date.now() : laterInTheMinute(original.createdMs)
  const total = original?.total ?? wanted.requests
  const model = original?.model ?? 'claude-haiku-4-5'
  const ids: string[] = []
  for (let number = 0; number < wanted.count; number++) {
    const id = newBatchId()
    const token = randomBytes(8).toString('hex')
    await writeInput(files.inputPath(id), token, total, model)
    const batch: StoredBatch = addBatch(deps, {
      id,
      key,
      version: original?.version ?? '2026-10-21',
      total,
      model,
      sampleCustomId: `${token}-0`,
      createdMs,
      expiresMs: createdMs + (options.current.window_ms ?? 86_400_000),
      foreign: true,
    })
    ids.push(batch.id)
  }
  // Nothing is listed before its time.
  await sleep(Math.max(0, createdMs - Date.now()))
  return ids
}

function laterInTheMinute(timeMs: number): number {
  return timeMs % minuteMs === minuteMs - 1 ? timeMs : timeMs + 1
}

async function writeInput(path: string, token: string, total: number, model: string): Promise<void> {
  const writer = await createFileWriter(path)
  for (let index = 0; index < total; index++) {
    const params = { model, max_tokens: 256, messages: [{ role: 'user', content: `Somebody else’s question ${index}` }] }
    await writer.write(Buffer.from(`${JSON.stringify({ custom_id: `${token}-${index.toString(36)}`, params })}\n`))
  }
  await writer.close()
}
