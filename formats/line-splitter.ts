import { isUtf8 } from 'node:buffer'
import { BatchwrightError } from '../core/errors.ts'

export interface SplitLine {
  /** 1-based, counting every line of the source, blank ones too. */
  readonly lineNumber: number
  readonly text: string
  /** False for a last line that ended with the source and not with a line end: a cut file shows here. */
  readonly terminated: boolean
}

export interface SplitOptions {
  /** A longer line throws `line_too_long`, so that a file without line ends can't fill the memory. */
  readonly maxLineBytes: number
  /** Throw `invalid_utf8` (default), or put U+FFFD in the place of what can't be decoded. */
  readonly invalidUtf8?: 'throw' | 'replace'
}

/**
 * Splits a byte stream into lines at LF, one at a time, whatever the chunks. Bytes are cut before they are decoded, so a character that
 * is split between two chunks stays whole. A CR before the LF and a byte order mark at the start are left out; blank lines are left out
 * but counted.
 */
export async function* splitLines(source: AsyncIterable<Uint8Array>, options: SplitOptions): AsyncGenerator<SplitLine> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let lineNumber = 0

  const take = (lastPiece: Buffer, terminated: boolean): SplitLine | null => {
    lineNumber += 1
    const line = pending.length === 0 ? lastPiece : Buffer.concat([...pending, lastPiece])
    pending = []
    pendingBytes = 0
    checkLength(line.length, lineNumber, options.maxLineBytes)
    if (options.invalidUtf8 !== 'replace' && !isUtf8(line)) {
      throw new BatchwrightError('invalid_utf8', `line ${lineNumber} is not valid UTF-8: save the file as UTF-8`, {
        details: { line: lineNumber },
      })
    }
    const text = decode(line, lineNumber === 1)
    return text.trim() === '' ? null : { lineNumber, text, terminated }
  }

  for await (const bytes of source) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      const line = take(chunk.subarray(start, end), true)
      start = end + 1
      if (line !== null) yield line
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start))
      pendingBytes += chunk.length - start
      checkLength(pendingBytes, lineNumber + 1, options.maxLineBytes)
    }
  }
  if (pending.length > 0) {
    const line = take(Buffer.alloc(0), false)
    if (line !== null) yield line
  }
}

function checkLength(bytes: number, lineNumber: number, maxLineBytes: number): void {
  if (bytes <= maxLineBytes) return
  throw new BatchwrightError('line_too_long', `line ${lineNumber} is longer than ${maxLineBytes} bytes`, {
    details: { line: lineNumber, maxLineBytes },
  })
}

function decode(line: Buffer, isFirst: boolean): string {
  const end = line.length > 0 && line[line.length - 1] === carriageReturn ? line.length - 1 : line.length
  const start = isFirst && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0
  return line.toString('utf8', start, end)
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
