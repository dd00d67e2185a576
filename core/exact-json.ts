// In Node since 21; the library of TypeScript does not have them.
type RawJson = { readonly rawJSON: string }
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => RawJson }
const parse = JSON.parse as unknown as (
  text: string,
  revive: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown

/** Cheap, and rarely wrong: without so many digits in a row, or so large an exponent, nothing can get lost. */
const maybeInexact = /\d{16}|[eE]\+?\d{3}/

/**
 * `JSON.parse`, but integers that no double holds (ids of 64 bits, mostly) and numbers above its range stay as they are written: as values that `JSON.stringify`
 * writes as they came, and that are no numbers for anybody else. What is only passed on is passed on untouched.
 */
export function parseExactJson(text: string): unknown {
  if (!maybeInexact.test(text)) return JSON.parse(text)
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && isInexact(value, source) ? rawJSON(source) : value,
  )
}

function isInexact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true
  return !Number.isSafeInteger(value) && /^-?\d+$/.test(source) && BigInt(value) !== BigInt(source)
}
