import { createWriteStream } from 'node:fs'
import { realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { BatchwrightError } from '../core/errors.ts'

/**
 * Writes text to a file that appears only when it is complete: to a temporary name in the same folder, then renamed. A file of that name stays as it is
 * until then, and for good when something fails. What is no file (a pipe, a device) is written to as it is. Throws `output_not_writable`.
 */
export async function writeWholeFile(path: string, chunks: AsyncIterable<string | Uint8Array>): Promise<void> {
  const named = resolve(path)
  // A link stays one: its file is replaced. A device or a pipe can't be, and is written to.
  const target = await realpath(named).catch(() => named)
  const isReplaceable = await stat(target).then(
    (found) => found.isFile(),
    () => true,
  )
  const temporary = isReplaceable ? `${target}.${process.pid}.partial` : target
  try {
    await pipeline(Readable.from(chunks, { objectMode: false, highWaterMark: 256 * 1024 }), createWriteStream(temporary))
    if (isReplaceable) await rename(temporary, target)
  } catch (error) {
    // It may never have come into being, and why is in `error`.
    if (isReplaceable) await rm(temporary, { force: true }).catch(() => undefined)
    if (error instanceof Error && 'syscall' in error) {
      throw new BatchwrightError(
        'output_not_writable',
        'code' in error && error.code === 'ENOENT'
          ? `can't write ${path}: there is no folder ${dirname(target)}`
          : `can't write ${path} (${String('code' in error ? error.code : error.message)})`,
        { cause: error },
      )
    }
    throw error
  }
}

/** Writes to a stream that stays open afterwards, no faster than it takes it. */
export async function writeToStream(stream: NodeJS.WriteStream, chunks: AsyncIterable<string | Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    if (!stream.write(chunk)) await once(stream, 'drain')
  }
}
