// In Node since 21; the library of TypeScript does not have them.
type RawJson = { readonly rawJSON: string }
const { rawJSON, isRawJSON } = JSON as unknown as { rawJSON: (text: string) => RawJson; isRawJSON: (value: unknown) => boolean }
const parse = JSON.parse as unknown as (
  text: string,
  revive: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown

/**
 * `JSON.parse`, but integers that no double holds (ids of 64 bits, mostly) and numbers above its range stay as they are written: as values that `JSON.stringify`
 * writes as they came, and that are no numbers for anybody else. What is only passed on is passed on untouched.
 */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  // Looking through what came out costs less than looking through the text, which may be long.
  if (!hasHugeNumber(value)) return value
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && isInexact(value, source) ? rawJSON(source) : value,
  )
}

/** What is nested more deeply than this is refused by whoever reads it. */
const maxDepth = 1000

function hasHugeNumber(value: unknown, depth = 0): boolean {
  if (typeof value === 'number') return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))
  if (typeof value !== 'object' || value === null || depth > maxDepth) return false
  return (Array.isArray(value) ? value : Object.values(value)).some((child) => hasHugeNumber(child, depth + 1))
}

function isInexact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true
  return !Number.isSafeInteger(value) && /^-?\d+$/.test(source) && BigInt(value) !== BigInt(source)
}

/** Whether a value is a number that `parseExactJson` left as it was written. */
export function isExactNumber(value: unknown): boolean {
  return isRawJSON(value)
}
