import { open } from 'node:fs/promises'

const flushBytes = 1 << 20

export interface FileWriter {
  /** Keeps the data until a megabyte is together; resolves at once unless it had to be written. */
  write(data: Buffer): Promise<void> | void
  readonly bytes: number
  close(): Promise<void>
}

/** A new file written in big pieces: one system call a megabyte, not one a line. */
export async function createFileWriter(path: string): Promise<FileWriter> {
  const handle = await open(path, 'w')
  let pending: Buffer[] = []
  let pendingBytes = 0
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (pendingBytes === 0) return
    let buffer = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending, pendingBytes)
    pending = []
    pendingBytes = 0
    while (buffer.length > 0) {
      const { bytesWritten } = await handle.write(buffer)
      buffer = buffer.subarray(bytesWritten)
    }
  }
  return {
    write(data) {
      pending.push(data)
      pendingBytes += data.length
      bytes += data.length
      return pendingBytes >= flushBytes ? flush() : undefined
    },
    get bytes() {
      return bytes
    },
    async close() {
      try {
        await flush()
      } finally {
        await handle.close()
      }
    },
  }
}
