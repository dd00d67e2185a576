import { randomBytes } from 'node:crypto'

const letters = '0123456789abcdefghijklmnopqrstuvwxyz'

/** What a client knows a batch by; the simulator's own state leaves the folder out. */
export function batchName(id: string): string {
  return `batches/${id}`
}

export function fileName(id: string): string {
  return `files/${id}`
}

/** The file with the results of a batch. */
export function resultsFileId(batchId: string): string {
  return `batch-${batchId}`
}

/** An id as the API makes them: small letters and digits. */
export function newId(length: number): string {
  return Array.from(randomBytes(length), (byte) => letters[byte % letters.length]).join('')
}
