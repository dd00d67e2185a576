import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'

const flushBytes = 4 << 20

export interface Spool {
  /** Appends a record and returns the offset where it begins. */
  append(text: string): number
  /** The length in bytes of the record appended last. */
  readonly lastLength: number
  read(offset: number, length: number): Buffer
  /** Removes what was written to disk. */
  discard(): void
}

/** Records appended in one order and read in another; in memory up to 4 MB, then on disk, so that a big batch stays out of memory. */
export function createSpool(path: string): Spool {
  let file: number | null = null
  let pending = Buffer.allocUnsafe(64 << 10)
  let pendingLength = 0
  let flushed = 0
  let lastLength = 0

  const makeRoom = (needed: number): void => {
    if (pendingLength + needed <= pending.length) return
    if (pendingLength > 0 && pendingLength + needed > flushBytes) {
      file ??= openSync(path, 'w+')
      writeSync(file, pending, 0, pendingLength, flushed)
      flushed += pendingLength
      pendingLength = 0
    }
    if (needed + pendingLength > pending.length) {
      const bigger = Buffer.allocUnsafe(Math.max(pending.length * 2, pendingLength + needed))
      pending.copy(bigger, 0, 0, pendingLength)
      pending = bigger
    }
  }

  return {
    append(text) {
      // Three bytes a UTF-16 unit is the most that UTF-8 takes: cheaper than measuring first.
      makeRoom(text.length * 3)
      const offset = flushed + pendingLength
      lastLength = pending.write(text, pendingLength)
      pendingLength += lastLength
      return offset
    },
    get lastLength() {
      return lastLength
    },
    read(offset, length) {
      const buffer = Buffer.allocUnsafe(length)
      if (offset >= flushed) pending.copy(buffer, 0, offset - flushed, offset - flushed + length)
      else if (file !== null) readSync(file, buffer, 0, length, offset)
      return buffer
    },
    discard() {
      pending = Buffer.alloc(0)
      if (file === null) return
      closeSync(file)
      file = null
      unlinkSync(path)
    },
  }
}
