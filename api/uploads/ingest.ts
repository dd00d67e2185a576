import type { Database } from '../../db/database.ts'
import { createItemRows, type ItemRows } from '../../db/item-rows.ts'
import { copyItems } from '../../db/items.ts'
import type { UploadTarget } from '../../db/upload-target.ts'
import { InvalidLineError } from '../../formats/input-line.ts'
import type { ByteLine } from './byte-lines.ts'
import type { InputErrors } from './input-errors.ts'
import { describeProblem } from './input-stream.ts'
import type { LineChecker } from './line-checker.ts'
import type { RejectStore } from './reject-store.ts'

/** A chunk is stored in one transaction; no connection is held while a slow client sends the next one. */
const rowsPerChunk = 10_000
const bytesPerChunk = 4 * 1024 * 1024

/** Chunks on their way into Postgres while another one is filled: its work on one is more than ours. */
const chunksInFlight = 2

export interface IngestOptions {
  /** Items of the job that are stored already. */
  readonly after: number
  /** Of the whole job: lines after so many items are read, and not looked at. */
  readonly limit: number
  /** Where what can't be taken is kept, and the job goes on without it. Null: any of it refuses the job. */
  readonly rejects: RejectStore | null
}

/**
 * Checks lines as they come and stores them as items `after` + 1, + 2, + 3, …. While Postgres takes two chunks, the next one is filled. Bad lines and
 * duplicates go to `errors`, and to `rejects`; the rest is checked to its end. Returns the number of items of the job.
 */
export async function ingest(
  database: Database,
  target: UploadTarget,
  batches: AsyncIterable<ByteLine[]>,
  checker: LineChecker,
  errors: InputErrors,
  { after, limit, rejects }: IngestOptions,
): Promise<number> {
  const { jobId } = target
  let filling = createChunk(jobId, after + 1)
  const inFlight: Promise<Chunk>[] = []
  /** Items so far; where duplicates refuse the job they count, since nothing will come of their numbers. */
  let items = after

  const reject = (line: number, problem: LineProblem, text: () => string | null): Promise<void> | undefined => {
    errors.add({ line, ...problem })
    return rejects?.add({ line, ...problem, text: text() })
  }
  const storeChunk = async (chunk: Chunk): Promise<number> => {
    const duplicates = await copyItems(database, target, chunk.rows, chunk.firstSeq)
    for (const { row, customId, otherSeq } of duplicates) {
      const when = otherSeq < chunk.firstSeq + row ? 'already' : 'as well'
      const reason = `"${customId}" is the custom_id of item ${otherSeq} ${when}`
      await reject(chunk.lineNumbers[row] as number, { field: 'custom_id', reason }, () => chunk.rows.line(row).toString())
    }
    return duplicates.length
  }
  const store = async (): Promise<void> => {
    const chunk = filling
    if (rejects !== null) {
      // The items after it are numbered without a gap, so it must be known first how many of it are left out.
      items -= await storeChunk(chunk)
      filling = emptied(chunk, items + 1)
      return
    }
    const next = inFlight.length < chunksInFlight ? createChunk(jobId, 1) : await (inFlight.shift() as Promise<Chunk>)
    const storing = storeChunk(chunk).then(() => chunk)
    // Awaited when its turn comes; until then a failure is nobody's unhandled rejection.
    storing.catch(() => {})
    inFlight.push(storing)
    filling = emptied(next, items + 1)
  }

  try {
    for await (const lines of batches) {
      for (const line of lines) {
        // Read to its end all the same: what the whole input is decides whether an upload is the same again.
        // Duplicates are known when their chunk is stored, and make room again.
        if (items >= limit && rejects !== null && filling.rows.rows > 0) await store()
        if (items >= limit) break
        const checked = checkLine(line, items + 1, checker)
        if ('problem' in checked) {
          await reject(line.number, checked.problem, () => (line.problem === 'too_long' ? null : line.bytes.toString()))
          continue
        }
        items += 1
        filling.rows.add({ line: line.bytes, ...checked })
        filling.lineNumbers.push(line.number)
        if (filling.rows.rows >= rowsPerChunk || filling.rows.bytes >= bytesPerChunk) await store()
      }
    }
    if (filling.rows.rows > 0) await store()
    await rejects?.flush()
  } finally {
    await Promise.allSettled(inFlight)
  }
  await Promise.all(inFlight)
  return items
}

interface Chunk {
  rows: ItemRows
  lineNumbers: number[]
  firstSeq: number
}

function createChunk(jobId: string, firstSeq: number): Chunk {
  return { rows: createItemRows(jobId, 64 * 1024), lineNumbers: [], firstSeq }
}

/** The same chunk, to be filled again. */
function emptied(chunk: Chunk, firstSeq: number): Chunk {
  chunk.rows.clear()
  chunk.lineNumbers = []
  chunk.firstSeq = firstSeq
  return chunk
}

interface LineProblem {
  readonly field: string | null
  readonly reason: string
}

function checkLine(
  line: ByteLine,
  seq: number,
  checker: LineChecker,
): ReturnType<LineChecker['check']> | { problem: LineProblem } {
  if (line.problem !== null) return { problem: { field: null, reason: describeProblem(line.problem) } }
  try {
    return checker.check(line.bytes.toString(), line.number, seq)
  } catch (error) {
    if (!(error instanceof InvalidLineError)) throw error
    const isCut = !line.terminated && error.cause instanceof SyntaxError
    const reason = isCut ? 'the file ends in the middle of this line: it was cut short' : error.reason
    return { problem: { field: error.field, reason } }
  }
}
