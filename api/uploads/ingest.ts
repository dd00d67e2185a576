import type { Database } from '../../db/database.ts'
import { createItemRows, type ItemRows } from '../../db/item-rows.ts'
import { copyItems } from '../../db/items.ts'
import { InvalidLineError } from '../../formats/input-line.ts'
import type { ByteLine } from './byte-lines.ts'
import type { InputErrors } from './input-errors.ts'
import { describeProblem } from './input-stream.ts'
import type { LineChecker } from './line-checker.ts'

/** A chunk is stored in one transaction; no connection is held while a slow client sends the next one. */
const rowsPerChunk = 10_000
const bytesPerChunk = 4 * 1024 * 1024

/** Chunks on their way into Postgres while another one is filled: its work on one is more than ours. */
const chunksInFlight = 2

/**
 * Checks lines as they come and stores them as items 1, 2, 3, …. While Postgres takes two chunks, the next one is filled. Bad lines and
 * duplicates go to `errors`, and the rest is checked to its end. Returns the number of items.
 */
export async function ingest(
  database: Database,
  jobId: string,
  batches: AsyncIterable<ByteLine[]>,
  checker: LineChecker,
  errors: InputErrors,
): Promise<number> {
  let filling = createChunk(jobId)
  const inFlight: Promise<Chunk>[] = []
  let seq = 0

  const store = async (): Promise<void> => {
    const next = inFlight.length < chunksInFlight ? createChunk(jobId) : await (inFlight.shift() as Promise<Chunk>)
    const storing = storeChunk(database, jobId, filling, errors)
    // Awaited when its turn comes; until then a failure is nobody's unhandled rejection.
    storing.catch(() => {})
    inFlight.push(storing)
    filling = next
  }

  try {
    for await (const lines of batches) {
      for (const line of lines) {
        const item = checkLine(line, seq + 1, checker, errors)
        if (item === null) continue
        seq += 1
        if (filling.rows.rows === 0) filling.firstSeq = seq
        filling.rows.add({ seq, line: line.bytes, ...item })
        filling.lineNumbers.push(line.number)
        if (filling.rows.rows >= rowsPerChunk || filling.rows.bytes >= bytesPerChunk) await store()
      }
    }
    if (filling.rows.rows > 0) await store()
  } finally {
    await Promise.allSettled(inFlight)
  }
  await Promise.all(inFlight)
  return seq
}

interface Chunk {
  rows: ItemRows
  lineNumbers: number[]
  firstSeq: number
}

function createChunk(jobId: string): Chunk {
  return { rows: createItemRows(jobId, 64 * 1024), lineNumbers: [], firstSeq: 1 }
}

/** Returns the chunk, to be filled again. */
async function storeChunk(database: Database, jobId: string, chunk: Chunk, errors: InputErrors): Promise<Chunk> {
  for (const { row, customId, otherSeq } of await copyItems(database, jobId, chunk.rows, chunk.firstSeq)) {
    errors.add({
      line: chunk.lineNumbers[row] ?? null,
      field: 'custom_id',
      reason: `"${customId}" is the custom_id of item ${otherSeq} ${otherSeq < chunk.firstSeq + row ? 'already' : 'as well'}`,
    })
  }
  chunk.rows.clear()
  chunk.lineNumbers = []
  return chunk
}

function checkLine(line: ByteLine, seq: number, checker: LineChecker, errors: InputErrors) {
  if (line.problem !== null) {
    errors.add({ line: line.number, field: null, reason: describeProblem(line.problem) })
    return null
  }
  try {
    return checker.check(line.bytes.toString(), line.number, seq)
  } catch (error) {
    if (!(error instanceof InvalidLineError)) throw error
    const isCut = !line.terminated && error.cause instanceof SyntaxError
    errors.add({
      line: line.number,
      field: error.field,
      reason: isCut ? 'the file ends in the middle of this line: it was cut short' : error.reason,
    })
    return null
  }
}
