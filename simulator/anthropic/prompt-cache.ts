import { tokensOf } from '../answers/prompt.ts'
import { isObject, type JsonObject } from '../json.ts'
import { hashHex } from '../random.ts'
import { nothingCached, type CacheUsage } from '../usage.ts'

/** The part of a prompt up to its last cache breakpoint. */
export interface CachedPrefix {
  readonly key: string
  readonly tokens: number
  readonly oneHour: boolean
}

/** Shorter ones are not cached, without an error. Some models want more: https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
const leastTokens = 1024

export function cachedPrefix(params: JsonObject): CachedPrefix | null {
  let text = ''
  let cached = ''
  let control: JsonObject | null = null
  for (const block of blocksOf(params)) {
    text += `\u001f${typeof block['text'] === 'string' ? block['text'] : JSON.stringify(block)}`
    if (!isObject(block['cache_control'])) continue
    cached = text
    control = block['cache_control']
  }
  if (isObject(params['cache_control'])) {
    cached = text
    control = params['cache_control']
  }
  const tokens = tokensOf(cached.length)
  if (control === null || tokens < leastTokens) return null
  return { key: hashHex(`${String(params['model'])}${cached}`, 16), tokens, oneHour: control['ttl'] === '1h' }
}

/** In the order in which the cache sees them: tools, system, messages. */
function blocksOf(params: JsonObject): JsonObject[] {
  const blocks = (content: unknown): JsonObject[] =>
    typeof content === 'string' ? [{ text: content }] : Array.isArray(content) ? content.filter(isObject) : []
  const messages = Array.isArray(params['messages']) ? params['messages'].filter(isObject) : []
  return [...blocks(params['tools']), ...blocks(params['system']), ...messages.flatMap(({ content }) => blocks(content))]
}

export interface PromptCache {
  /** What the cache does with a prompt: the first takes its prefix in, the others read it. */
  use(prefix: CachedPrefix | null, nowMs: number): CacheUsage
}

export function createPromptCache(): PromptCache {
  const expiries = new Map<string, number>()
  return {
    use(prefix, nowMs) {
      if (prefix === null) return nothingCached
      const known = (expiries.get(prefix.key) ?? 0) > nowMs
      expiries.set(prefix.key, nowMs + (prefix.oneHour ? 3_600_000 : 300_000))
      if (known) return { ...nothingCached, readTokens: prefix.tokens }
      return { ...nothingCached, [prefix.oneHour ? 'written1hTokens' : 'written5mTokens']: prefix.tokens }
    },
  }
}
