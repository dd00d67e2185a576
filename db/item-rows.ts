/** An item as it is stored, but for its seq; `line` is the received bytes without line end, UTF-8 without NUL. */
export interface NewItem {
  readonly customId: string
  readonly line: Uint8Array
  /** Exact size of the provider's own line with its line end. */
  readonly bytes: number
  /** Estimated input tokens. */
  readonly tokens: number
  readonly endpoint: string | null
  readonly model: string | null
  /** JSON texts. */
  readonly metadata: string | null
  readonly warnings: string | null
}

/** Columns in the order in which `ItemRows` writes them. */
export const itemColumns = [
  'job_id',
  'seq',
  'custom_id',
  'line',
  'bytes',
  'tokens',
  'endpoint',
  'model',
  'metadata',
  'warnings',
] as const

/** Rows of `items` in Postgres's binary COPY format. The buffer is used again after `clear`. */
export interface ItemRows {
  readonly rows: number
  readonly bytes: number
  add(item: NewItem): void
  /**
   * The rows as one stream of COPY, without those at the positions in `left out`; the others are numbered from `firstSeq` without a gap. Valid until
   * `clear`.
   */
  encoded(firstSeq: number, leftOut?: ReadonlySet<number>): Iterable<Uint8Array>
  customIds(): readonly string[]
  /** The line of the row at this position; valid until `clear`. */
  line(row: number): Buffer
  clear(): void
}

/** https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4.5 : signature, flags, no header extension. */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const trailer = Buffer.from([0xff, 0xff])
/** Enough for postgres.js to wrap cheaply, and for the socket to be kept busy. */
const pieceBytes = 256 * 1024
/** Length words, integers and the count of fields of one row. */
const fixedBytes = 2 + itemColumns.length * 4 + 3 * 4

/**
 * Binary, because nothing in it is escaped: a line goes from the request to Postgres as the bytes that it is, and neither side looks for
 * backslashes in it.
 */
export function createItemRows(jobId: string, initialBytes: number): ItemRows {
  const job = Buffer.from(jobId)
  /** Behind the number of fields, the job's id, and two lengths. */
  const seqOffset = 2 + 4 + job.length + 4
  let buffer = Buffer.allocUnsafe(initialBytes)
  let end = 0
  let starts: number[] = []
  let customIds: string[] = []

  const grow = (needed: number) => {
    if (end + needed <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(end + needed, buffer.length * 2))
    buffer.copy(larger, 0, 0, end)
    buffer = larger
  }
  const writeInteger = (value: number) => {
    end = buffer.writeInt32BE(4, end)
    end = buffer.writeInt32BE(value, end)
  }
  const writeBytes = (value: Uint8Array) => {
    end = buffer.writeInt32BE(value.length, end)
    buffer.set(value, end)
    end += value.length
  }
  const writeText = (value: string | null) => {
    if (value === null) {
      end = buffer.writeInt32BE(-1, end)
      return
    }
    const length = buffer.write(value, end + 4)
    buffer.writeInt32BE(length, end)
    end += 4 + length
  }

  return {
    get rows() {
      return starts.length
    },
    get bytes() {
      return end
    },
    add(item) {
      // A UTF-16 unit takes three bytes of UTF-8 at most.
      const texts =
        item.customId.length +
        (item.endpoint?.length ?? 0) +
        (item.model?.length ?? 0) +
        (item.metadata?.length ?? 0) +
        (item.warnings?.length ?? 0)
      grow(fixedBytes + job.length + item.line.length + 3 * texts)
      starts.push(end)
      customIds.push(item.customId)
      end = buffer.writeInt16BE(itemColumns.length, end)
      writeBytes(job)
      writeInteger(0)
      writeText(item.customId)
      writeBytes(item.line)
      writeInteger(item.bytes)
      writeInteger(item.tokens)
      writeText(item.endpoint)
      writeText(item.model)
      writeText(item.metadata)
      writeText(item.warnings)
    },
    *encoded(firstSeq, leftOut) {
      let seq = firstSeq
      for (const [row, start] of starts.entries()) if (leftOut?.has(row) !== true) buffer.writeInt32BE(seq++, start + seqOffset)
      yield header
      if (leftOut === undefined || leftOut.size === 0) {
        for (let start = 0; start < end; start += pieceBytes) yield buffer.subarray(start, Math.min(end, start + pieceBytes))
      } else {
        for (let row = 0; row < starts.length; row++) {
          if (!leftOut.has(row)) yield buffer.subarray(starts[row], starts[row + 1] ?? end)
        }
      }
      yield trailer
    },
    customIds: () => customIds,
    line(row) {
      let at = (starts[row] ?? 0) + 2
      for (let field = 0; field < itemColumns.indexOf('line'); field++) at += 4 + buffer.readInt32BE(at)
      return buffer.subarray(at + 4, at + 4 + buffer.readInt32BE(at))
    },
    clear() {
      end = 0
      starts = []
      customIds = []
    },
  }
}
