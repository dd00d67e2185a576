import { createHash } from 'node:crypto'
import { BatchwrightError } from '../../core/errors.ts'
import { maxLineBytes } from '../../core/line-limit.ts'
import { readCsv } from '../../formats/csv.ts'
import { InvalidLineError } from '../../formats/input-line.ts'
import { readByteLines, type ByteLine } from './byte-lines.ts'

/** How an uploaded file is to be read. */
export type InputFormat = 'jsonl' | 'csv'

/** CSV by its media type or its name; everything else is JSON lines. */
export function inputFormatOf(mediaType: string | undefined, fileName: string | undefined): InputFormat {
  const type = mediaType?.split(';', 1)[0]?.trim().toLowerCase()
  return type === 'text/csv' || (fileName !== undefined && /\.csv$/i.test(fileName)) ? 'csv' : 'jsonl'
}

/** Counts and hashes bytes as they pass. */
export interface Meter {
  readonly bytes: number
  /** Throws `input_too_large` when more pass than may. */
  pass(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Reads the rest without keeping it. */
  drain(source: AsyncIterable<Uint8Array>): Promise<void>
  /** SHA-256 of the prefix and the bytes so far. */
  contentHash(): string
}

/** How large an input may be, in bytes. */
export interface InputLimit {
  readonly maxBytes: number
  /** What came of it before, as earlier parts. */
  readonly before?: number
}

/** `prefix` is what the hash is of beside the bytes. */
export function createMeter(prefix: string, { maxBytes, before = 0 }: InputLimit): Meter {
  const hash = createHash('sha256').update(prefix)
  let bytes = 0
  async function* pass(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      bytes += chunk.length
      if (before + bytes > maxBytes) throw inputTooLarge(maxBytes)
      hash.update(chunk)
      yield chunk
    }
  }
  return {
    get bytes() {
      return bytes
    },
    pass,
    async drain(source) {
      for await (const chunk of pass(source)) void chunk
    },
    contentHash: () => hash.copy().digest('hex'),
  }
}

export function inputTooLarge(maxBytes: number): BatchwrightError {
  return new BatchwrightError(
    'input_too_large',
    `the input is larger than ${maxBytes} bytes (max_input_bytes): split it into several jobs`,
  )
}

/** The lines of an input in batches; those of CSV as neutral lines. */
export function readInputLines(
  source: AsyncIterable<Uint8Array>,
  format: InputFormat,
  prompt: string | undefined,
): AsyncIterable<ByteLine[]> {
  if (format === 'csv') {
    if (prompt === undefined) {
      const reason = 'is missing: CSV needs a template, for example "Label this: {{text}}"'
      throw new BatchwrightError('invalid_request', `prompt: ${reason}`, { details: { errors: [{ field: 'prompt', reason }] } })
    }
    return csvLines(source, prompt)
  }
  refuseTemplate(prompt)
  return readByteLines(source)
}

/** Throws `invalid_request` for a template beside items that have their prompts. */
export function refuseTemplate(prompt: string | undefined): void {
  if (prompt !== undefined) {
    const reason = 'is a template for CSV, but the items are lines of JSON: put it into the lines'
    throw new BatchwrightError('invalid_request', `prompt: ${reason}`, { details: { errors: [{ field: 'prompt', reason }] } })
  }
}

async function* csvLines(source: AsyncIterable<Uint8Array>, prompt: string): AsyncGenerator<ByteLine[]> {
  for await (const { lineNumber, text } of readCsv(utf8Only(source), prompt)) {
    yield [{ number: lineNumber, bytes: Buffer.from(text), problem: null, terminated: true }]
  }
}

/** The same bytes, or an error at the first line that is not UTF-8: the CSV parser would put a replacement character there. */
async function* utf8Only(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const lineEnd = Buffer.from('\n')
  let number = 0
  for await (const lines of readByteLines(source)) {
    const pieces: Buffer[] = []
    for (const line of lines) {
      if (line.problem !== null) throw new InvalidLineError(line.number, null, describeProblem(line.problem))
      // Blank lines are kept, so that the parser's line numbers are those of the file.
      for (number += 1; number < line.number; number += 1) pieces.push(lineEnd)
      pieces.push(line.bytes, lineEnd)
    }
    yield Buffer.concat(pieces)
  }
}

export function describeProblem(problem: NonNullable<ByteLine['problem']>): string {
  switch (problem) {
    case 'invalid_utf8':
      return 'is not valid UTF-8: save the file as UTF-8'
    case 'too_long':
      return `is longer than ${maxLineBytes} bytes, the most that one line may have`
  }
}
