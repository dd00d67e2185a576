import { nothingCached, type CacheUsage } from './usage.ts'

/** Nano-dollars per million tokens. */
export interface Price {
  readonly input: bigint
  readonly output: bigint
  /** A tenth of the input unless given. */
  readonly cacheRead?: bigint
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

/** What a model that isn't in the table costs. */
const otherModel: Price = dollars(1, 4)

/** The price of a model, by its name without a dated suffix (`gpt-4o-mini-2024-07-18`, `claude-haiku-4-5-20251001`); null if the table doesn't have it. */
export function knownPrice(prices: Readonly<Record<string, Price>>, model: string): Price | null {
  return prices[model] ?? prices[model.replace(/-(\d{4}-\d{2}-\d{2}|\d{8})$/, '')] ?? null
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
  const { input, output, cacheRead = input / 10n } = price ?? otherModel
  const cached =
    BigInt(cache.written5mTokens) * ((input * 5n) / 4n) +
    BigInt(cache.written1hTokens) * input * 2n +
    BigInt(cache.readTokens) * cacheRead
  const exact = BigInt(inputTokens) * input + BigInt(outputTokens) * output + cached
  const divisor = batch ? 2_000_000n : 1_000_000n
  return (exact + divisor / 2n) / divisor
}
