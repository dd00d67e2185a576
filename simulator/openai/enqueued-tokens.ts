import { addToLoad, type Load } from '../load.ts'
import type { LiveOptions } from '../options.ts'
import type { BatchError } from './batch-line.ts'

export interface EnqueuedTokens {
  /** By `<key>/<model>`. */
  readonly loads: ReadonlyMap<string, Load>
  /** Takes a batch's tokens into account until `release` is called; or says that they are too many, if the limit is to be checked. */
  enqueue(
    key: string,
    model: string,
    tokens: number,
    checked: boolean,
  ): { readonly release: () => void } | { readonly error: BatchError }
}

/**
 * The tokens in the input of all batches that haven't ended, per project and model
 * (https://developers.openai.com/api/docs/guides/rate-limits: batch queue limits).
 */
export function createEnqueuedTokens(options: LiveOptions): EnqueuedTokens {
  const loads = new Map<string, Load>()
  return {
    loads,
    enqueue(key, model, tokens, checked) {
      const name = `${key}/${model}`
      const load = loads.get(name) ?? { current: 0, peak: 0 }
      loads.set(name, load)
      const limit = options.current.enqueued_token_limits[model] ?? options.current.enqueued_token_limit
      if (checked && limit !== null && load.current + tokens > limit) return { error: tokenLimitExceeded(model, limit) }
      addToLoad(load, tokens)
      return { release: () => addToLoad(load, -tokens) }
    },
  }
}

/** The text as reported in https://github.com/openai/openai-python/issues/2084 */
function tokenLimitExceeded(model: string, limit: number): BatchError {
  const message = `Enqueued token limit reached for ${model} in organization org-simulator. Limit: ${limit.toLocaleString('en-US')} enqueued tokens. Please try again once some in_progress batches have been completed.`
  return { code: 'token_limit_exceeded', message, param: null, line: null }
}
