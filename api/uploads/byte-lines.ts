import { isUtf8 } from 'node:buffer'
import { maxLineBytes } from '../../core/line-limit.ts'

export interface ByteLine {
  /** From 1, counting blank lines. */
  readonly number: number
  /** Without line end and byte order mark; valid until the next batch is asked for. */
  readonly bytes: Buffer
  /** Why its text can't be read. */
  readonly problem: 'invalid_utf8' | 'too_long' | null
  /** False for a last line that ended with the input and not with a line end. */
  readonly terminated: boolean
}

/**
 * Splits a byte stream at LF, and gives the lines of each chunk together. Works on bytes: what is cut is never decoded, copied or joined but for
 * lines that cross chunks. Blank lines are left out. A bad line is given with its problem, so that those after it are checked as well.
 */
export async function* readByteLines(source: AsyncIterable<Uint8Array>, longest = maxLineBytes): AsyncGenerator<ByteLine[]> {
  let number = 0
  /** The beginning of a line whose end has not come. */
  let pending: Buffer[] = []
  let pendingBytes = 0

  const take = (piece: Buffer, terminated: boolean): ByteLine | null => {
    number += 1
    const isTooLong = pendingBytes + piece.length > longest
    const whole = isTooLong || pending.length === 0 ? piece : Buffer.concat([...pending, piece], pendingBytes + piece.length)
    pending = []
    pendingBytes = 0
    if (isTooLong) return { number, bytes: empty, problem: 'too_long', terminated }
    const bytes = trimmed(whole, number === 1)
    if (isBlank(bytes)) return null
    return { number, bytes, problem: isUtf8(bytes) ? null : 'invalid_utf8', terminated }
  }

  for await (const received of source) {
    const chunk = Buffer.from(received.buffer, received.byteOffset, received.byteLength)
    const lines: ByteLine[] = []
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      const line = take(chunk.subarray(start, end), true)
      start = end + 1
      if (line !== null) lines.push(line)
    }
    if (lines.length > 0) yield lines
    if (start < chunk.length) {
      const rest = chunk.subarray(start)
      pendingBytes += rest.length
      // Of a line that is too long already, only the length is kept. Others are copied: the source may use its chunk again.
      if (pendingBytes > longest) pending = []
      else pending.push(Buffer.from(rest))
    }
  }
  if (pendingBytes > 0) {
    const line = take(empty, false)
    if (line !== null) yield [line]
  }
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const empty = Buffer.alloc(0)

function trimmed(line: Buffer, isFirst: boolean): Buffer {
  const start = isFirst && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0
  const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length
  return start === 0 && end === line.length ? line : line.subarray(start, end)
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x09 && byte !== carriageReturn) return false
  return true
}
