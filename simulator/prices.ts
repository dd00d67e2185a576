/** Nano-dollars per million tokens. */
export interface Price {
  readonly input: bigint
  readonly output: bigint
}

const dollars = (input: number, output: number): Price => ({
  input: BigInt(Math.round(input * 1e9)),
  output: BigInt(Math.round(output * 1e9)),
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

/** What a model that isn't in the table costs. */
const otherModel: Price = dollars(1, 4)

/** The price of a model, by its name without a dated suffix (`gpt-4o-mini-2024-07-18`); null if the table doesn't have it. */
export function knownPrice(prices: Readonly<Record<string, Price>>, model: string): Price | null {
  return prices[model] ?? prices[model.replace(/-\d{4}-\d{2}-\d{2}$/, '')] ?? null
}

/** The cost in nano-dollars, a batch at half price, rounded half up once. */
export function costNanoDollars(price: Price | null, inputTokens: number, outputTokens: number, batch: boolean): bigint {
  const { input, output } = price ?? otherModel
  const exact = BigInt(inputTokens) * input + BigInt(outputTokens) * output
  const divisor = batch ? 2_000_000n : 1_000_000n
  return (exact + divisor / 2n) / divisor
}
