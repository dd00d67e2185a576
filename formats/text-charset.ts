import { isAscii } from 'node:buffer'

/** Every decoder takes these for Windows' Latin-1, which has a character for every byte. */
const ascii = /^(us-ascii|ascii|ansi_x3\.4-1968)$/i

/** By the names of https://encoding.spec.whatwg.org/#names-and-labels */
export function isKnownCharset(charset: string): boolean {
  try {
    return new TextDecoder(charset).encoding !== ''
  } catch {
    return false
  }
}

/** Without its byte order mark. Null: the bytes are no text in this charset, which must be a known one. */
export function decodeText(bytes: Uint8Array, charset: string): string | null {
  if (ascii.test(charset) && !isAscii(bytes)) return null
  const decoder = new TextDecoder(isBigEndian(bytes, charset) ? 'utf-16be' : charset, { fatal: true })
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** Plain `utf-16` leaves it to the first two bytes, at which a TextDecoder does not look. https://www.rfc-editor.org/rfc/rfc2781#section-4.3 */
function isBigEndian(bytes: Uint8Array, charset: string): boolean {
  return /^utf-16$/i.test(charset) && bytes[0] === 0xfe && bytes[1] === 0xff
}
