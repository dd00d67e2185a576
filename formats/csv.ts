import { CsvError, parse } from 'csv-parse'
import { Readable } from 'node:stream'
import { BatchwrightError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { createQuoteTracker, type QuoteTracker } from './csv-quotes.ts'
import { InvalidLineError } from './input-line.ts'
import { parsePromptTemplate, requireColumns } from './prompt-template.ts'

export interface CsvLine {
  /** The line of the file that the row ends at; the header is line 1. */
  readonly lineNumber: number
  /** A neutral line as JSON, for `parseInputLine`. */
  readonly text: string
}

/** A field of a CSV is a field of a prompt: above this a quote was left open. */
const maxRecordBytes = 20_000_000

/**
 * Turns a CSV with a header into neutral lines, a row at a time: the filled prompt, `custom_id` from the column of that name, all columns that
 * the prompt does not use as metadata. Throws BatchwrightError for a header that does not fit the prompt and InvalidLineError for a row.
 */
export async function* readCsv(source: AsyncIterable<Uint8Array | string>, prompt: string): AsyncGenerator<CsvLine> {
  const template = parsePromptTemplate(prompt)
  let metadataColumns: string[] = []
  const parser = parse({
    skip_empty_lines: true,
    // A short row has empty values at its end; a long one has a comma too many somewhere, which would shift everything.
    relax_column_count_less: true,
    max_record_size: maxRecordBytes,
    info: true,
    columns: (header: string[]) => {
      const columns = header.map((name) => name.trim())
      checkHeader(columns)
      requireColumns(template, columns)
      metadataColumns = columns.filter((column) => column !== 'custom_id' && !template.columns.includes(column))
      return columns
    },
  })
  const quotes = createQuoteTracker()
  const input = Readable.from(tracked(decodeUtf8(source), quotes))
  input.on('error', (error) => parser.destroy(error))
  input.pipe(parser)
  try {
    for await (const { info, record } of parser as AsyncIterable<{ info: { lines: number }; record: Record<string, string> }>) {
      const line: JsonObject = { prompt: template.fill(record) }
      if (record['custom_id'] !== undefined && record['custom_id'] !== '') line['custom_id'] = record['custom_id']
      if (metadataColumns.length > 0) {
        line['metadata'] = Object.fromEntries(metadataColumns.map((column) => [column, record[column] ?? '']))
      }
      quotes.forgetBefore(info.lines)
      yield { lineNumber: info.lines, text: JSON.stringify(line) }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const { line, reason } = describeCsvError(error, quotes)
    throw new InvalidLineError(line, null, `is not valid CSV: ${reason}`, { cause: error })
  } finally {
    input.destroy()
  }
}

/** csv-parse would put U+FFFD in the place of broken bytes, and they would be paid for. */
async function* decodeUtf8(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of source) yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new BatchwrightError('invalid_utf8', 'the CSV is not valid UTF-8: save it as UTF-8', { cause: error })
  }
}

async function* tracked(texts: AsyncIterable<string>, quotes: QuoteTracker): AsyncGenerator<string> {
  for await (const text of texts) {
    quotes.read(text)
    yield text
  }
}

/** The parser notices a quote that was left open where the file ends, or where the next quote is: the line to look at is the one where it opened. */
function describeCsvError(error: CsvError, quotes: QuoteTracker): { line: number; reason: string } {
  const { lines } = error as unknown as { lines?: unknown }
  const line = typeof lines === 'number' ? lines : 1
  const start = quotes.startAt(line)
  if (error.code === 'CSV_QUOTE_NOT_CLOSED')
    return { line: start ?? line, reason: 'a quote opens a field here, and nothing closes it' }
  if (error.code === 'CSV_INVALID_CLOSING_QUOTE') {
    const next = start === null ? 'the next one' : `the next one, in line ${line},`
    const reason = `a quote opens a field here, and ${next} is not at a field's end: close the field, or write quotes inside of it twice`
    return { line: start ?? line, reason }
  }
  if (error.code === 'CSV_MAX_RECORD_SIZE' && start !== null)
    return { line: start, reason: `a quote opens a field here, and nothing closes it within ${maxRecordBytes} bytes` }
  return { line, reason: error.message }
}

function checkHeader(columns: readonly string[]): void {
  const repeated = columns.find((column, index) => columns.indexOf(column) !== index)
  if (repeated !== undefined) {
    throw new BatchwrightError('invalid_csv_header', `the CSV has two columns named "${repeated}"`, {
      details: { column: repeated },
    })
  }
}
