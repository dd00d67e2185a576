import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'

/** A file of lines while it is written. */
export interface LineFile {
  readonly lines: number
  readonly bytes: number
  /** Adds a line, which must not have a line end. */
  append(line: string): Promise<void> | void
  /** Writes the rest, and returns the SHA-256 of the whole. */
  finish(): Promise<string>
  /** Gives up: the file is removed. Safe to call at any time. */
  discard(): Promise<void>
}

/** Two of these are all the memory that a file takes, however long it gets. */
const blockBytes = 1024 * 1024

/**
 * Creates a file (0600) that is written in blocks: each line goes from its string into a block as UTF-8 at once, and while one block is on its way to
 * the disk the other one is filled. Joining lines to larger strings first would cost more than writing them.
 */
export async function createLineFile(path: string): Promise<LineFile> {
  const file = await open(path, 'w', 0o600)
  const hash = createHash('sha256')
  let filling = Buffer.allocUnsafeSlow(blockBytes)
  let spare = Buffer.allocUnsafeSlow(blockBytes)
  let end = 0
  let lines = 0
  let bytes = 0
  let writing: Promise<unknown> = Promise.resolve()

  const flush = async (): Promise<void> => {
    await writing
    const full = filling
    const block = full.subarray(0, end)
    filling = spare
    // One that grew for a long line is not kept.
    spare = full.length > blockBytes ? Buffer.allocUnsafeSlow(blockBytes) : full
    end = 0
    hash.update(block)
    bytes += block.length
    writing = file.writeFile(block)
    // Awaited before the next block; until then a failure is nobody's unhandled rejection.
    writing.catch(() => {})
  }
  const put = (line: string): void => {
    end += filling.write(line, end)
    filling[end++] = lineFeed
    lines += 1
  }

  return {
    get lines() {
      return lines
    },
    get bytes() {
      return bytes + end
    },
    append(line) {
      // A UTF-16 unit takes three bytes of UTF-8 at most.
      const most = line.length * 3 + 1
      if (end + most <= filling.length) {
        put(line)
        return
      }
      return flush().then(() => {
        if (most > filling.length) filling = Buffer.allocUnsafeSlow(most)
        put(line)
      })
    },
    async finish() {
      await flush()
      await writing
      await file.close()
      return hash.digest('hex')
    },
    async discard() {
      await writing.catch(() => {})
      await file.close().catch(() => {})
      await rm(path, { force: true })
    },
  }
}

const lineFeed = 0x0a
