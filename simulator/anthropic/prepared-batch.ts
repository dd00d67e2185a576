import type { JsonObject } from '../json.ts'
import { lineGroups } from '../line-reader.ts'
import {
  finishingOrder,
  lineRenderer,
  type LineFate,
  type Preparation,
  type PreparedLine,
  type PreparedLines,
} from '../prepared-lines.ts'
import { anthropicPrices, knownPrice } from '../prices.ts'
import { createSpool } from '../spool.ts'
import type Anthropic from '@anthropic-ai/sdk'
import type { AnthropicError } from './errors.ts'
import { execute, type Execution } from './execution.ts'
import { cachedPrefix, createPromptCache } from './prompt-cache.ts'
import { readPrompt } from './prompt.ts'
import type { StoredBatch } from './state.ts'
import type { ResultLine } from './wire.ts'
import { nothingCached } from '../usage.ts'

/**
 * Reads the requests once and works out what will come of each. What finishes later only has to be copied, in any order, so that a batch of 256 MB never lies
 * in memory. The same requests give the same results again after a restart.
 */
export async function prepareBatch({ inputPath, spoolPath, batch, ...rules }: Preparation<StoredBatch>): Promise<PreparedLines> {
  const { options } = rules
  const rendering = { ...rules, spool: createSpool(spoolPath) }
  const render = lineRenderer(rendering)
  // One prefix in many requests of a batch is taken in once and read by the others.
  const cache = createPromptCache()
  const executionRules = {
    version: batch.version,
    batch: true,
    strict: options.strict_parameters,
    refuseUnknownModels: options.refuse_unknown_models,
  }
  const lines: PreparedLine[] = []
  for await (const group of lineGroups(inputPath)) {
    for (const text of group) {
      const { custom_id: customId, params } = JSON.parse(text) as { custom_id: string; params: JsonObject }
      const prompt = readPrompt(params)
      const prefix = text.includes('"cache_control"') ? cachedPrefix(params) : null
      const unique = `${batch.id}:${lines.length}`
      lines.push(
        render(prompt.fingerprint, text, (fault) => {
          const identity = {
            unique,
            tier: 'batch' as const,
            cache: prefix === null ? nothingCached : cache.use(prefix, batch.createdMs),
          }
          const execution = execute(params, prompt, fault, identity, executionRules)
          return {
            fate: fateOf(execution),
            prefix: linePrefix(customId),
            ending: `,"result":${JSON.stringify(resultOf(execution))}}`,
            bill: {
              provider: 'anthropic',
              key: batch.key,
              batch: { id: batch.id, customId },
              endpoint: '/v1/messages',
              model: prompt.model,
              price: knownPrice(anthropicPrices, prompt.model),
              refusedStatus: execution.type === 'refused' ? execution.error.status : null,
              usage: execution.type === 'answered' || execution.type === 'lost' ? execution.usage : null,
            },
          }
        }),
      )
    }
  }
  return { lines, order: finishingOrder(lines.length, rendering, batch.number), spool: rendering.spool }
}

export function linePrefix(customId: string): string {
  return `{"custom_id":${JSON.stringify(customId)}`
}

/** How a line ends that was not executed. */
export function unexecutedEnding(type: 'canceled' | 'expired'): string {
  return `,"result":${JSON.stringify({ type } satisfies ResultLine['result'])}}`
}

function fateOf(execution: Execution): LineFate {
  switch (execution.type) {
    case 'answered':
      return 'output'
    case 'refused':
      return 'error'
    case 'expired':
    case 'lost':
      return execution.type
  }
}

function resultOf(execution: Execution): ResultLine['result'] | null {
  switch (execution.type) {
    case 'answered':
      return { type: 'succeeded', message: execution.body }
    case 'refused':
      return { type: 'errored', error: itemError(execution.error) }
    case 'expired':
      return { type: 'expired' }
    case 'lost':
      return null
  }
}

/** An error within an error, as in https://github.com/BYK/loreai/pull/1099; a request that was never executed has no number. */
function itemError({ kind, message }: AnthropicError): Anthropic.ErrorResponse {
  const error = { type: kind, message } as Anthropic.ErrorObject
  return { type: 'error', error, request_id: null }
}
