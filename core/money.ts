/**
 * Money is integer nano-dollars (`bigint`; 1 USD = 10^9), prices are nano-dollars per million tokens. Costs are rounded half up once
 * per item, so that the sum over a job is exactly the sum of its items.
 */
export type NanoDollars = bigint

/** Prices of one model in nano-dollars per million tokens. Null: not sold, or not known. */
export interface TokenPrices {
  readonly input: NanoDollars
  readonly cachedInput: NanoDollars | null
  readonly cacheWrite: NanoDollars | null
  readonly output: NanoDollars
}

/** Token counts of one answer. `input` includes `cached` and `cacheWrite`; `output` includes `reasoning`. */
export interface Usage {
  readonly input: number
  readonly output: number
  readonly cached: number
  readonly cacheWrite: number
  readonly reasoning: number
}

export const noUsage: Usage = { input: 0, output: 0, cached: 0, cacheWrite: 0, reasoning: 0 }

const tokensPerPrice = 1_000_000n

export function costOfUsage(usage: Usage, prices: TokenPrices): NanoDollars {
  const plainInput = BigInt(Math.max(0, usage.input - usage.cached - usage.cacheWrite))
  const numerator =
    plainInput * prices.input +
    BigInt(usage.cached) * (prices.cachedInput ?? prices.input) +
    BigInt(usage.cacheWrite) * (prices.cacheWrite ?? prices.input) +
    BigInt(usage.output) * prices.output
  return divideHalfUp(numerator, tokensPerPrice)
}

/** `numerator / denominator` for non-negative values, rounded half up. */
export function divideHalfUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator * 2n + denominator) / (denominator * 2n)
}

/** `"0.00015"` dollars as nano-dollars. Throws a RangeError for more than nine decimals or anything but a plain decimal. */
export function parseDollars(text: string): NanoDollars {
  const match = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(text.trim())
  if (match === null) throw new RangeError(`"${text}" is not an amount in dollars with up to nine decimals`)
  const amount = BigInt(match[2] as string) * 1_000_000_000n + BigInt((match[3] ?? '').padEnd(9, '0') || '0')
  return match[1] === '-' ? -amount : amount
}

/** Nano-dollars as the shortest exact decimal string: `"0.0123"`. This is the form in JSON. */
export function formatDollars(amount: NanoDollars): string {
  const sign = amount < 0n ? '-' : ''
  const absolute = amount < 0n ? -amount : amount
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '')
  const whole = (absolute / 1_000_000_000n).toString()
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`
}
