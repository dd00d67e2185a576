import { nothingCached, type CacheUsage } from './usage.ts'

/** Nano-dollars per million tokens. */
export interface Price {
  readonly input: bigint
  readonly output: bigint
  /** A tenth of the input unless given. */
  readonly cacheRead?: bigint
  /** What the cache gives back costs the same in a batch, instead of half. */
  readonly wholeCacheReadInBatch?: true
}

const nano = (dollars: number): bigint => BigInt(Math.round(dollars * 1e9))

const dollars = (input: number, output: number, cacheRead?: number): Price => ({
  input: nano(input),
  output: nano(output),
  ...(cacheRead === undefined ? {} : { cacheRead: nano(cacheRead) }),
})

/**
 * The simulator's own prices, so that a bill computed here is a second opinion on the product's ledger. Dollars per million tokens at realtime price, from
 * https://developers.openai.com/api/docs/pricing as quoted by https://docs.rs/crate/openai-cost, https://docs.rs/crate/adk-model and api-evangelist/openai (2026).
 */
export const openaiPrices: Readonly<Record<string, Price>> = {
  'gpt-5.5': dollars(5, 30),
  'gpt-5.4': dollars(2.5, 15),
  'gpt-5.4-mini': dollars(0.75, 4.5),
  'gpt-5.4-nano': dollars(0.2, 1.25),
  'gpt-5.2': dollars(1.75, 14),
  'gpt-5.1': dollars(1.25, 10),
  'gpt-5': dollars(1.25, 10),
  'gpt-5-mini': dollars(0.25, 2),
  'gpt-5-nano': dollars(0.05, 0.4),
  'gpt-4.1': dollars(2, 8),
  'gpt-4.1-mini': dollars(0.4, 1.6),
  'gpt-4.1-nano': dollars(0.1, 0.4),
  'gpt-4o': dollars(2.5, 10),
  'gpt-4o-mini': dollars(0.15, 0.6),
  o3: dollars(2, 8),
  'o3-mini': dollars(1.1, 4.4),
  'o4-mini': dollars(1.1, 4.4),
  'text-embedding-3-small': dollars(0.02, 0),
  'text-embedding-3-large': dollars(0.13, 0),
  'text-embedding-ada-002': dollars(0.1, 0),
}

/**
 * Realtime prices and cache reads (a tenth of the input, less where given): https://platform.claude.com/docs/en/about-claude/pricing, by way of
 * https://docs.rs/synaps/0.10.2/synaps_cli/pricing and the models' own pages (https://platform.claude.com/docs/en/models/opus-5-5/overview). A batch is half of it.
 * Haiku 5.5 costs five times as much for prompts above 100,000 tokens; nothing here sends such a prompt.
 */
export const anthropicPrices: Readonly<Record<string, Price>> = {
  'claude-fable-5-1': dollars(10, 50, 0.25),
  'claude-fable-5': dollars(10, 50),
  'claude-mythos-5-1': dollars(10, 50, 0.25),
  'claude-mythos-5': dollars(10, 50),
  'claude-opus-5-5': dollars(4, 20, 0.2),
  'claude-opus-5': dollars(5, 25),
  'claude-opus-4-8': dollars(5, 25),
  'claude-opus-4-7': dollars(5, 25),
  'claude-opus-4-6': dollars(5, 25),
  'claude-opus-4-5': dollars(5, 25),
  'claude-opus-4-1': dollars(15, 75),
  'claude-sonnet-5-5': dollars(2, 10, 0.1),
  'claude-sonnet-5': dollars(2, 10),
  'claude-sonnet-4-6': dollars(3, 15),
  'claude-sonnet-4-5': dollars(3, 15),
  'claude-haiku-5-5': dollars(0.1, 0.5),
  'claude-haiku-4-5': dollars(1, 5),
}

const gemini = (input: number, output: number, cacheRead?: number): Price => ({
  ...dollars(input, output, cacheRead),
  wholeCacheReadInBatch: true,
})

/**
 * Realtime prices on 2026-10-07: https://ai.google.dev/gemini-api/docs/pricing, by way of api-evangelist/deepmind, github.com/uttamdeb/agent-telemetry (v1.6.6),
 * github.com/iyulab/TokenMeter (v0.17.0) and docs.rs/crate/gemini-cost. Thinking is output. 3.6 to 3.8 Flash cost twice as much from 2027 on; Pro models cost
 * more for prompts above 200,000 tokens, which nothing here sends. A cache hit in a batch costs what it costs outside
 * (https://ai.google.dev/gemini-api/docs/batch-api#technical-details).
 */
export const geminiPrices: Readonly<Record<string, Price>> = {
  'gemini-4-neon': gemini(3, 15, 0.15),
  'gemini-4-hydrogen': gemini(1.5, 7.5, 0.075),
  'gemini-3.8-flash': gemini(0.75, 3.75),
  'gemini-3.7-flash': gemini(0.75, 3.75),
  'gemini-3.6-flash': gemini(0.75, 3.75),
  'gemini-3.5-flash': gemini(1.5, 9),
  'gemini-3.5-flash-lite': gemini(0.3, 2.5),
  'gemini-3.1-pro-preview': gemini(2, 12),
  'gemini-3.1-flash-lite': gemini(0.25, 1.5),
  'gemini-3-pro-preview': gemini(2, 12),
  'gemini-3-flash-preview': gemini(0.5, 3),
  'gemini-2.5-pro': gemini(1.25, 10),
  'gemini-2.5-flash': gemini(0.3, 2.5),
  'gemini-2.5-flash-lite': gemini(0.1, 0.4),
  'gemini-2.0-flash': gemini(0.1, 0.4),
  'gemini-2.0-flash-lite': gemini(0.075, 0.3),
  'gemini-embedding-2': gemini(0.2, 0),
  'gemini-embedding-001': gemini(0.15, 0),
}

/** What a model that isn't in the table costs. */
const otherModel: Price = dollars(1, 4)

/** The price of a model, by its name without a dated suffix (`gpt-4o-mini-2024-07-18`, `claude-haiku-4-5-20251001`, `gemini-2.0-flash-001`); null if the table doesn't have it. */
export function knownPrice(prices: Readonly<Record<string, Price>>, model: string): Price | null {
  return prices[model] ?? prices[model.replace(/-(\d{4}-\d{2}-\d{2}|\d{8}|\d{3})$/, '')] ?? null
}

/**
 * The cost in nano-dollars, a batch at half price, rounded half up once. What a cache takes in costs a quarter more than other input for 5 minutes, twice as
 * much for an hour (https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing).
 */
export function costNanoDollars(
  price: Price | null,
  inputTokens: number,
  outputTokens: number,
  batch: boolean,
  cache: CacheUsage = nothingCached,
): bigint {
  const { input, output, cacheRead = input / 10n, wholeCacheReadInBatch = false } = price ?? otherModel
  const cached =
    BigInt(cache.written5mTokens) * ((input * 5n) / 4n) +
    BigInt(cache.written1hTokens) * input * 2n +
    BigInt(cache.readTokens) * cacheRead * (batch && wholeCacheReadInBatch ? 2n : 1n)
  const exact = BigInt(inputTokens) * input + BigInt(outputTokens) * output + cached
  const divisor = batch ? 2_000_000n : 1_000_000n
  return (exact + divisor / 2n) / divisor
}
