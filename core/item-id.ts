/**
 * The id of an item at the provider: `<token>-<seq in base 36>`. This file is the one place that decides which answer belongs to
 * which item. The token is random per batch attempt, so an answer of another batch, job or client can never be merged; the
 * user's `custom_id` never leaves the database. Fits Anthropic's `^[a-zA-Z0-9_-]{1,64}$`, the strictest of the three.
 */
export const tokenLength = 16

/** 16 characters of [0-9a-z], 82 bits. */
export function createToken(randomBytes: Uint8Array): string {
  if (randomBytes.length < tokenLength) throw new RangeError(`a token needs ${tokenLength} random bytes`)
  let token = ''
  for (let index = 0; index < tokenLength; index++) token += alphabet[(randomBytes[index] as number) % alphabet.length]
  return token
}

export function formatItemId(token: string, seq: number): string {
  return `${token}-${seq.toString(36)}`
}

/** A stand-in of the length that the real id of this item will have, so that exact sizes are known before a token is. */
export function placeholderItemId(seq: number): string {
  return formatItemId(placeholderToken, seq)
}

/** The seq in an id of ours, or null when the id carries another token or is not in our form. */
export function parseItemId(id: string, token: string): number | null {
  if (!id.startsWith(`${token}-`)) return null
  const digits = id.slice(token.length + 1)
  if (!/^[0-9a-z]{1,10}$/.test(digits)) return null
  const seq = Number.parseInt(digits, 36)
  // Only the canonical spelling counts: "-01" would be a second id for one item.
  return seq >= 1 && Number.isSafeInteger(seq) && seq.toString(36) === digits ? seq : null
}

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'
const placeholderToken = '0'.repeat(tokenLength)
