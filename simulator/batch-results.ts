import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BatchBill } from './batch-bill.ts'
import { createFileWriter, type FileWriter } from './file-writer.ts'
import type { LineFate, PreparedLine, PreparedLines } from './prepared-lines.ts'
import type { Quirks } from './quirks.ts'
import { fractionOf } from './random.ts'

export interface ResultsRequest {
  readonly batch: { readonly id: string; readonly number: number }
  readonly prepared: PreparedLines
  readonly finished: number
  readonly quirks: Quirks
  readonly seed: number
  /** A custom_id of another batch, if there is one. */
  readonly foreignCustomId: string | null
  readonly billPath: string
  /** A line up to its custom_id, for lines that stray in from elsewhere. */
  readonly foreignPrefix: (customId: string, number: number) => string
  /** How the lines end that weren't finished; null: they are in no file. */
  readonly unfinishedEnding: string | null
}

export interface WrittenResults {
  /** Of the finished lines. */
  readonly fates: Readonly<Record<LineFate, number>>
  readonly bill: BatchBill
  readonly attempts: Readonly<Record<string, number>>
}

const linesPerTurn = 500

/**
 * Copies the lines that finished to `output` and `failures` (which may be the same file) and their bill to its place, quirks included. Done again, it writes
 * the same.
 */
export async function writeResultLines(
  request: ResultsRequest,
  output: FileWriter,
  failures: FileWriter,
): Promise<WrittenResults> {
  const { batch, prepared, quirks, finished } = request
  const bills = await createFileWriter(request.billPath)
  const sums: BillSums = {
    requests: 0,
    deliveredRequests: 0,
    inputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    cost: 0n,
    deliveredCost: 0n,
  }
  const fates: Record<LineFate, number> = { output: 0, error: 0, expired: 0, lost: 0 }
  const attempts: Record<string, number> = {}
  let heldForSwap: { prefix: Buffer; ending: Buffer } | null = null
  let toLengthen = quirks.long_line_bytes
  let lastEnding: Buffer | null = null
  const hit = (quirk: string, rate: number, index: number): boolean =>
    rate > 0 && fractionOf(`${request.seed}:${quirk}:${batch.number}:${index}`) < rate

  for (let position = 0; position < finished; position++) {
    if (position % linesPerTurn === linesPerTurn - 1) await nextTurn()
    const index = prepared.order[position] ?? 0
    const line = prepared.lines[index]
    if (line === undefined) continue
    const record = prepared.spool.read(line.offset, line.lineBytes + line.billBytes)
    let text: Buffer = record.subarray(0, line.lineBytes)
    if (line.countedFingerprint !== null) attempts[line.countedFingerprint] = (attempts[line.countedFingerprint] ?? 0) + 1
    fates[line.fate]++

    const lost = line.fate === 'lost' || hit('missing_lines', quirks.missing_lines, index)
    const broken = line.fate === 'output' && !lost && hit('invalid_json_lines', quirks.invalid_json_lines, index)
    await writeBill(bills, record.subarray(line.lineBytes), line, !lost && !broken, sums)
    if (lost) continue
    const file = line.fate === 'output' ? output : failures
    if (broken) text = Buffer.concat([text.subarray(0, text.length >> 1), Buffer.from('\n')])
    else if (line.fate === 'output') {
      if (hit('invalid_utf8_lines', quirks.invalid_utf8_lines, index)) text = withInvalidUtf8(text)
      if (toLengthen > 0) {
        text = lengthened(text, toLengthen)
        toLengthen = 0
      }
      lastEnding = text.subarray(line.prefixBytes)
      const parts = { prefix: text.subarray(0, line.prefixBytes), ending: lastEnding }
      if (heldForSwap !== null) {
        await output.write(Buffer.concat([heldForSwap.prefix, parts.ending]))
        text = Buffer.concat([parts.prefix, heldForSwap.ending])
        heldForSwap = null
      } else if (hit('swapped_keys', quirks.swapped_keys, index)) {
        heldForSwap = parts
        continue
      }
    }
    const full = file.write(text)
    if (full !== undefined) await full
    if (hit('repeated_lines', quirks.repeated_lines, index)) await file.write(text)
  }
  if (heldForSwap !== null) await output.write(Buffer.concat([heldForSwap.prefix, heldForSwap.ending]))
  if (lastEnding !== null) {
    for (let number = 0; number < quirks.foreign_lines; number++) {
      const customId = number % 2 === 1 && request.foreignCustomId !== null ? request.foreignCustomId : `nobody-${number}`
      await output.write(Buffer.concat([Buffer.from(request.foreignPrefix(customId, number)), lastEnding]))
    }
  }
  if (request.unfinishedEnding !== null) await writeUnfinished(request, Buffer.from(`${request.unfinishedEnding}\n`), failures)
  await bills.close()
  const { cost, deliveredCost, ...counts } = sums
  return { fates, attempts, bill: { ...counts, costNanoUsd: String(cost), deliveredCostNanoUsd: String(deliveredCost) } }
}

interface BillSums {
  requests: number
  deliveredRequests: number
  inputTokens: number
  outputTokens: number
  reasoningTokens: number
  cost: bigint
  deliveredCost: bigint
}

function writeBill(
  bills: FileWriter,
  bill: Buffer,
  line: PreparedLine,
  delivered: boolean,
  sums: BillSums,
): Promise<void> | void {
  if (line.usage !== null) {
    const cost = BigInt(line.costNanoUsd)
    sums.requests++
    sums.inputTokens += line.usage.inputTokens
    sums.outputTokens += line.usage.outputTokens
    sums.reasoningTokens += line.usage.reasoningTokens
    sums.cost += cost
    if (delivered) {
      sums.deliveredRequests++
      sums.deliveredCost += cost
    }
  }
  return bills.write(
    delivered || line.fate === 'lost' ? bill : Buffer.from(bill.toString().replace('"delivered":true', '"delivered":false')),
  )
}

async function writeUnfinished({ prepared, finished }: ResultsRequest, ending: Buffer, failures: FileWriter): Promise<void> {
  for (let position = finished; position < prepared.lines.length; position++) {
    if (position % linesPerTurn === linesPerTurn - 1) await nextTurn()
    const line = prepared.lines[prepared.order[position] ?? 0]
    if (line !== undefined) await failures.write(Buffer.concat([prepared.spool.read(line.offset, line.prefixBytes), ending]))
  }
}

/** JSON allows white space before its last bracket: the content stays the same. */
function lengthened(text: Buffer, bytes: number): Buffer {
  if (text.length >= bytes) return text
  const end = text.length - 2
  return Buffer.concat([text.subarray(0, end), Buffer.alloc(bytes - text.length, ' '), text.subarray(end)])
}

/** Puts a byte that can't occur in UTF-8 into a string of the answer: its text, or an id where there is none. */
function withInvalidUtf8(text: Buffer): Buffer {
  const starts = ['"content":"', '"text":"', '"request_id":"', '"id":"'].flatMap((start) => {
    const found = text.indexOf(start)
    return found < 0 ? [] : [found + start.length]
  })
  const at = Math.max(...starts)
  return Buffer.concat([text.subarray(0, at), Buffer.from([0xff]), text.subarray(at)])
}
