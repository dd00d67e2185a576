import { hashHex } from '../random.ts'
import { leastCachedTokens } from './models.ts'
import type { Prompt } from './prompt.ts'

export interface ImplicitCache {
  /** How many tokens of a prompt were seen before: those of the system instruction that requests share. The first to bring it pays for it. */
  use(prompt: Prompt, nowMs: number): number
}

const keptMs = 3_600_000

/** Nobody asks for it, and nothing says that it happens: https://ai.google.dev/gemini-api/docs/caching#implicit-caching */
export function createImplicitCache(): ImplicitCache {
  const expiries = new Map<string, number>()
  return {
    use({ model, systemText, systemTokens }, nowMs) {
      const least = leastCachedTokens(model)
      if (least === null || systemTokens < least) return 0
      const key = hashHex(`${model}\u001f${systemText}`, 16)
      const known = (expiries.get(key) ?? 0) > nowMs
      expiries.set(key, nowMs + keptMs)
      return known ? systemTokens : 0
    },
  }
}
