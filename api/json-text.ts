import { BatchwrightError } from '../core/errors.ts'
import { parseExactJson } from '../core/exact-json.ts'
import { repeatedKey, repeatedKeyIn } from '../core/repeated-keys.ts'

/** Reads what a caller wrote as JSON. Throws `invalid_json` (bytes that are not UTF-8, too), and `invalid_request` for a key that is there twice. */
export function parseJson(source: string | Uint8Array, what: string): unknown {
  let text: string
  let value: unknown
  try {
    text = typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true }).decode(source)
    value = parseExactJson(text)
  } catch (error) {
    throw new BatchwrightError('invalid_json', `${what} is not JSON: ${(error as Error).message}`, { cause: error })
  }
  const field = repeatedKeyOf(text, value)
  if (field !== null) {
    throw new BatchwrightError('invalid_request', `${what} is not valid: ${field}: ${repeatedKey}`, {
      details: { errors: [{ field, reason: repeatedKey }] },
    })
  }
  return value
}

function repeatedKeyOf(text: string, value: unknown): string | null {
  try {
    return repeatedKeyIn(text, value)
  } catch (error) {
    // What is nested too deeply is refused where it is read, by its field.
    if (error instanceof RangeError) return null
    throw error
  }
}
