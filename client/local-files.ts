import { isUtf8 } from 'node:buffer'
import { BatchwrightError } from '../core/errors.ts'
import { parseExactJson } from '../core/exact-json.ts'
import { formatPath } from '../core/json-path.ts'
import type { JsonObject } from '../core/json.ts'
import { maxLineBytes } from '../core/line-limit.ts'
import { repeatedKeyIn } from '../core/repeated-keys.ts'
import type { ItemSource } from './item-source.ts'
import { isLocalPart, LocalFileError, readLocalPart } from './local-part.ts'

/**
 * The same items, with the local files that image and file parts of neutral lines name by their `path` (relative to `directory`) put into the lines as base64.
 * CSV has no such parts.
 */
export function withLocalFiles(source: ItemSource, directory: string): ItemSource {
  if (source.mediaType === 'text/csv') return source
  return { ...source, sizeBytes: null, open: () => inlineLocalFiles(source.open(), directory) }
}

const lineFeed = 0x0a
const pathKey = '"path"'
const byteOrderMark = '\ufeff'

/**
 * JSON lines with their local files in them. Only lines that name one are parsed and written anew; all others, and those that the API will refuse anyway, pass byte
 * for byte. Holds one line and its files at a time. Throws `invalid_input` that names line, field and path.
 */
export async function* inlineLocalFiles(
  chunks: AsyncIterable<Uint8Array>,
  directory: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let lineNumber = 1
  /** The beginning of a line whose end has not come; of one that is too long anyway, nothing is kept. */
  let pending: Buffer[] = []
  let pendingBytes = 0
  let isTooLong = false
  for await (const received of chunks) {
    const chunk = Buffer.from(received.buffer, received.byteOffset, received.byteLength)
    const end = chunk.lastIndexOf(lineFeed) + 1
    if (end > 0) {
      const lines = pending.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...pending, chunk.subarray(0, end)])
      // What is left of a line that is too long is no line of its own.
      const from = isTooLong ? lines.indexOf(lineFeed) + 1 : 0
      if (from > 0) {
        yield lines.subarray(0, from)
        lineNumber += 1
      }
      yield* inlineLines(lines.subarray(from), lineNumber, directory)
      lineNumber += countLines(lines.subarray(from))
      pending = []
      pendingBytes = 0
      isTooLong = false
    }
    if (end === chunk.length) continue
    const rest = chunk.subarray(end)
    if (isTooLong) {
      yield rest
      continue
    }
    // Copied: the source may use its chunk again.
    pending.push(Buffer.from(rest))
    pendingBytes += rest.length
    if (pendingBytes <= maxLineBytes) continue
    isTooLong = true
    yield* pending
    pending = []
  }
  if (pending.length > 0) yield* inlineLines(Buffer.concat(pending), lineNumber, directory)
}

/** Whole lines; what lies between those that name a file passes in one piece. */
async function* inlineLines(lines: Buffer, firstNumber: number, directory: string): AsyncGenerator<Uint8Array> {
  let passed = 0
  for (let found = lines.indexOf(pathKey); found !== -1;) {
    const start = lines.lastIndexOf(lineFeed, found) + 1
    const lineEnd = lines.indexOf(lineFeed, found)
    const end = lineEnd === -1 ? lines.length : lineEnd
    const lineNumber = firstNumber + countLines(lines.subarray(0, start))
    const inlined = await inlineLine(lines.subarray(start, end), lineNumber, directory)
    if (inlined !== null) {
      if (start > passed) yield lines.subarray(passed, start)
      yield inlined
      passed = end
    }
    found = lines.indexOf(pathKey, end)
  }
  if (passed < lines.length) yield lines.subarray(passed)
}

function countLines(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf(lineFeed); at !== -1; at = lines.indexOf(lineFeed, at + 1)) count += 1
  return count
}

/** Null: there is nothing to put into it. */
async function inlineLine(bytes: Buffer, lineNumber: number, directory: string): Promise<Buffer | null> {
  const line = parseLine(bytes)
  if (line === null) return null
  let left = maxLineBytes - bytes.length
  let isChanged = false
  for (const { parts, path } of contentsOf(line)) {
    for (const [index, part] of parts.entries()) {
      if (!isLocalPart(part)) continue
      const inlined = await readLocalPart(part, directory, left).catch((error: unknown) => {
        if (error instanceof LocalFileError) throw refused(lineNumber, formatPath([...path, index, 'path']), error)
        throw error
      })
      left -= (inlined['data'] as string).length
      parts[index] = inlined
      isChanged = true
    }
  }
  return isChanged ? Buffer.from(JSON.stringify(line)) : null
}

/** Null for what is no line, or not one that can be written anew without losing something. The API says what is wrong with it. */
function parseLine(bytes: Buffer): JsonObject | null {
  if (!isUtf8(bytes)) return null
  const text = bytes.toString('utf8')
  const json = text.startsWith(byteOrderMark) ? text.slice(1) : text
  try {
    const line = parseExactJson(json)
    if (typeof line !== 'object' || line === null || Array.isArray(line)) return null
    return repeatedKeyIn(json, line) === null ? (line as JsonObject) : null
  } catch {
    return null
  }
}

/** The lists of parts of a neutral line. */
function contentsOf({ prompt, messages }: JsonObject): Array<{ parts: JsonObject[]; path: PropertyKey[] }> {
  const contents: Array<{ content: unknown; path: PropertyKey[] }> = [{ content: prompt, path: ['prompt'] }]
  if (Array.isArray(messages)) {
    for (const [index, message] of messages.entries())
      contents.push({ content: (message as JsonObject | null)?.['content'], path: ['messages', index, 'content'] })
  }
  return contents.flatMap(({ content, path }) => (Array.isArray(content) ? [{ parts: content as JsonObject[], path }] : []))
}

function refused(line: number, field: string, cause: LocalFileError): BatchwrightError {
  const reason = cause.message
  return new BatchwrightError('invalid_input', `line ${line}: ${field}: ${reason}`, {
    cause,
    details: { errors: [{ line, field, reason }], error_count: 1 },
  })
}
