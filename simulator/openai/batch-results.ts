import { rm } from 'node:fs/promises'
import { writeResultLines, type ResultsRequest as LinesRequest } from '../batch-results.ts'
import type { BatchBill } from '../batch-bill.ts'
import { createFileWriter, type FileWriter } from '../file-writer.ts'
import { hashHex } from '../random.ts'
import { cancelledError, expiredError } from './execution.ts'
import { errorEnding } from './prepared-batch.ts'
import type { EndedStatus } from './state.ts'

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

export interface ResultsRequest extends Omit<LinesRequest, 'foreignPrefix' | 'unfinishedEnding'> {
  readonly outcome: EndedStatus
  readonly pathOf: (fileId: string) => string
}

const foreignPrefix = (customId: string, number: number): string =>
  `{"id":"batch_req_${hashHex(`foreign:${number}`, 32)}","custom_id":${JSON.stringify(customId)}`

/** Writes the output file, the error file and the bill of the lines that finished. Done again, it writes the same. */
export async function writeResults(request: ResultsRequest): Promise<BatchResults> {
  const { batch, pathOf } = request
  const ids = { output: `file-${hashHex(`${batch.id}:output`, 22)}`, error: `file-${hashHex(`${batch.id}:error`, 22)}` }
  const output = await createFileWriter(pathOf(ids.output))
  const error = await createFileWriter(pathOf(ids.error))
  const { fates, bill, attempts } = await writeResultLines(
    { ...request, foreignPrefix, unfinishedEnding: unfinishedEnding(request) },
    output,
    request.quirks.separate_error_file ? error : output,
  )
  await Promise.all([output.close(), error.close()])
  const files = { output: await keepUnlessEmpty(output, 'output'), error: await keepUnlessEmpty(error, 'error') }
  return { ...files, failedRequests: fates.error, attempts, bill }

  async function keepUnlessEmpty(writer: FileWriter, kind: 'output' | 'error'): Promise<ResultFile | null> {
    const id = ids[kind]
    if (writer.bytes > 0) return { id, filename: `${batch.id}_${kind}.jsonl`, bytes: writer.bytes }
    await rm(pathOf(id), { force: true })
    return null
  }
}

function unfinishedEnding({ outcome, quirks }: ResultsRequest): string | null {
  if (outcome === 'completed' || (outcome === 'cancelled' && !quirks.cancelled_lines_in_error_file)) return null
  const { code, message } = outcome === 'expired' ? expiredError : cancelledError
  return errorEnding(code, message)
}
