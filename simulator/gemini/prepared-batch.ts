import type { ItemFault } from '../item-faults.ts'
import { lineGroups } from '../line-reader.ts'
import {
  finishingOrder,
  lineRenderer,
  type LineFate,
  type Preparation,
  type PreparedLine,
  type PreparedLines,
} from '../prepared-lines.ts'
import { geminiPrices, knownPrice } from '../prices.ts'
import { createSpool } from '../spool.ts'
import { keyOf, readBatchRequest, type BatchRequest } from './batch-input.ts'
import { wireStatus } from './errors.ts'
import { execute, executeEmbedding, type Execution } from './execution.ts'
import { batchName } from './ids.ts'
import { createImplicitCache } from './implicit-cache.ts'
import { readEmbeddingPrompt, readPrompt } from './prompt.ts'
import type { StoredBatch } from './state.ts'

export interface PreparedBatch extends PreparedLines {
  /** The lines are as they come with the batch itself, not as in a file. */
  readonly inline: boolean
}

/**
 * Reads the requests once and works out what will come of each. What finishes later only has to be copied, in any order, so that a big batch never lies in
 * memory. The same requests give the same results again after a restart.
 */
export async function prepareBatch({ inputPath, spoolPath, batch, ...rules }: Preparation<StoredBatch>): Promise<PreparedBatch> {
  const { options } = rules
  const rendering = { ...rules, spool: createSpool(spoolPath) }
  const render = lineRenderer(rendering)
  const { quirks } = options
  const inline = batch.inputFileId === null || quirks.inline_results
  const executionOf = executor(batch, {
    strict: options.strict_parameters,
    spoilsJsonSchema: quirks.broken_json_schema,
  })
  const lines: PreparedLine[] = []
  for await (const group of lineGroups(inputPath)) {
    for (const text of group) {
      if (text.trim() === '') continue
      const request = readBatchRequest(text)
      const { fingerprint, run } = executionOf(request, `${batch.id}:${lines.length}`)
      const customId = keyOf(request)
      lines.push(
        render(fingerprint, text, (fault) => {
          const execution = run(fault)
          return {
            fate: fateOf(execution),
            prefix: inline ? inlinePrefix(request, quirks.missing_metadata) : filePrefix(customId),
            ending: endingOf(execution),
            bill: {
              provider: 'gemini',
              key: batch.key,
              batch: { id: batchName(batch.id), customId: customId ?? '' },
              endpoint: batch.method,
              model: batch.model,
              price: knownPrice(geminiPrices, batch.model),
              refusedStatus: execution.type === 'refused' ? execution.error.status : null,
              usage: execution.type === 'refused' ? null : execution.usage,
            },
          }
        }),
      )
    }
  }
  return { lines, order: finishingOrder(lines.length, rendering, batch.number), spool: rendering.spool, inline }
}

interface Executor {
  readonly fingerprint: string
  readonly run: (fault: ItemFault | null) => Execution
}

function executor(
  { method, model, createdMs }: StoredBatch,
  rules: { readonly strict: boolean; readonly spoilsJsonSchema: boolean },
): (request: BatchRequest, unique: string) => Executor {
  // One instruction in many requests of a batch is read once and comes out of the cache for the others.
  const cache = createImplicitCache()
  return ({ request }, unique) => {
    if (method === 'asyncBatchEmbedContent') {
      const prompt = readEmbeddingPrompt(request)
      return { fingerprint: prompt.fingerprint, run: (fault) => executeEmbedding(request, model, prompt, fault, rules.strict) }
    }
    const prompt = readPrompt(model, request)
    return {
      fingerprint: prompt.fingerprint,
      run: (fault) => execute(request, prompt, fault, { unique, cachedTokens: cache.use(prompt, createdMs) }, rules),
    }
  }
}

/** The key of a line is at its top (https://ai.google.dev/gemini-api/docs/batch-api#input-file). */
export function filePrefix(key: string | null): string {
  return key === null ? '{' : `{"key":${JSON.stringify(key)},`
}

/** With the batch itself it is where it was in the request, if metadata come back at all. */
export function inlinePrefix({ key, metadata }: Pick<BatchRequest, 'key' | 'metadata'>, leftOut = false): string {
  const own = metadata ?? (key === null ? null : { key })
  return own === null || leftOut ? '{' : `{"metadata":${JSON.stringify(own)},`
}

function fateOf(execution: Execution): LineFate {
  switch (execution.type) {
    case 'answered':
      return 'output'
    case 'refused':
      return 'error'
    case 'lost':
      return 'lost'
  }
}

function endingOf(execution: Execution): string {
  switch (execution.type) {
    case 'answered':
      return `"response":${JSON.stringify(execution.body)}}`
    case 'refused':
      return `"error":${JSON.stringify(wireStatus(execution.error))}}`
    case 'lost':
      return '}'
  }
}
