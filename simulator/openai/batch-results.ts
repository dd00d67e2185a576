import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createFileWriter, type FileWriter } from '../file-writer.ts'
import type { Quirks } from '../quirks.ts'
import { fractionOf, hashHex } from '../random.ts'
import { cancelledError, expiredError } from './execution.ts'
import { errorEnding, type PreparedBatch, type PreparedLine } from './prepared-batch.ts'
import type { BatchBill, EndedStatus, StoredBatch } from './state.ts'

export interface ResultFile {
  readonly id: string
  readonly filename: string
  readonly bytes: number
}

export interface BatchResults {
  readonly output: ResultFile | null
  readonly error: ResultFile | null
  readonly failedRequests: number
  readonly bill: BatchBill
  readonly attempts: Readonly<Record<string, number>>
}

export interface ResultsRequest {
  readonly batch: StoredBatch
  readonly prepared: PreparedBatch
  readonly outcome: EndedStatus
  readonly finished: number
  readonly quirks: Quirks
  readonly seed: number
  /** A custom_id of another batch, if there is one. */
  readonly foreignCustomId: string | null
  readonly pathOf: (fileId: string) => string
  readonly billPath: string
}

const linesPerTurn = 500
const foreignPrefix = (customId: string, number: number): Buffer =>
  Buffer.from(`{"id":"batch_req_${hashHex(`foreign:${number}`, 32)}","custom_id":${JSON.stringify(customId)}`)

/** Writes the output file, the error file and the bill of the lines that finished, quirks included. Done again, it writes the same. */
export async function writeResults(request: ResultsRequest): Promise<BatchResults> {
  const { batch, prepared, quirks, finished, outcome, pathOf } = request
  const ids = { output: `file-${hashHex(`${batch.id}:output`, 22)}`, error: `file-${hashHex(`${batch.id}:error`, 22)}` }
  const output = await createFileWriter(pathOf(ids.output))
  const error = await createFileWriter(pathOf(ids.error))
  const bills = await createFileWriter(request.billPath)
  const failures = quirks.separate_error_file ? error : output
  const sums = {
    requests: 0,
    deliveredRequests: 0,
    inputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    cost: 0n,
    deliveredCost: 0n,
  }
  const attempts: Record<string, number> = {}
  let failedRequests = 0
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
    if (line.fate === 'error') failedRequests++

    const lost = line.fate === 'lost' || hit('missing_lines', quirks.missing_lines, index)
    const broken = line.fate === 'output' && !lost && hit('invalid_json_lines', quirks.invalid_json_lines, index)
    await writeBill(bills, record.subarray(line.lineBytes), line, !lost && !broken, sums)
    if (lost) continue
    const file = line.fate === 'error' ? failures : output
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
      await output.write(Buffer.concat([foreignPrefix(customId, number), lastEnding]))
    }
  }
  if (outcome !== 'completed') await writeUnfinished(request, failures)

  await Promise.all([output.close(), error.close(), bills.close()])
  const files = { output: await keepUnlessEmpty(output, 'output'), error: await keepUnlessEmpty(error, 'error') }
  const { cost, deliveredCost, ...counts } = sums
  return {
    ...files,
    failedRequests,
    attempts,
    bill: { ...counts, costNanoUsd: String(cost), deliveredCostNanoUsd: String(deliveredCost) },
  }

  async function keepUnlessEmpty(writer: FileWriter, kind: 'output' | 'error'): Promise<ResultFile | null> {
    const id = ids[kind]
    if (writer.bytes > 0) return { id, filename: `${batch.id}_${kind}.jsonl`, bytes: writer.bytes }
    await rm(pathOf(id), { force: true })
    return null
  }
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

async function writeUnfinished({ prepared, finished, outcome, quirks }: ResultsRequest, failures: FileWriter): Promise<void> {
  if (outcome === 'cancelled' && !quirks.cancelled_lines_in_error_file) return
  const { code, message } = outcome === 'expired' ? expiredError : cancelledError
  const ending = Buffer.from(`${errorEnding(code, message)}\n`)
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

/** Puts a byte that can't occur in UTF-8 into the first string of the answer. */
function withInvalidUtf8(text: Buffer): Buffer {
  const at = Math.max(text.indexOf('"content":"') + 11, text.indexOf('"text":"') + 8, text.indexOf('"request_id":"') + 14)
  return Buffer.concat([text.subarray(0, at), Buffer.from([0xff]), text.subarray(at)])
}
