import { addToLoad, type Load } from './load.ts'
import type { LiveOptions } from './options.ts'

export interface EnqueuedTokens {
  /** By `<key>/<model>`. */
  readonly loads: ReadonlyMap<string, Load>
  /** Takes a batch's tokens into account until `release` is called; or names the limit above which they are, if it is to be checked. */
  enqueue(
    key: string,
    model: string,
    tokens: number,
    checked: boolean,
  ): { readonly release: () => void } | { readonly limit: number }
}

/**
 * The tokens in the input of all batches that haven't ended, per project and model
 * (https://developers.openai.com/api/docs/guides/rate-limits: batch queue limits; https://ai.google.dev/gemini-api/docs/rate-limits: batch enqueued tokens).
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
      if (checked && limit !== null && load.current + tokens > limit) return { limit }
      addToLoad(load, tokens)
      return { release: () => addToLoad(load, -tokens) }
    },
  }
}
