import { open, type FileHandle } from 'node:fs/promises'
import { ProviderError } from '../provider.ts'

/** The body of a create, read from the spool file while it is sent. */
export interface RequestBody {
  readonly contentLength: number
  readonly stream: ReadableStream<Uint8Array>
  /** To be called in any case: a body that was never sent has its file open. */
  close(): Promise<void>
}

const opening = Buffer.from('{"requests":[')
const closing = Buffer.from(']}')
const lineFeed = 0x0a
const comma = 0x2c
const chunkBytes = 256 * 1024

/**
 * `{"requests":[…]}` around the lines of a spool file, each of which is one element: their line ends become commas, but for the last one. JSON has no bare
 * line end inside of a text, so nothing has to be parsed. No more than one chunk is in memory. Throws a ProviderError for a file that is not there.
 */
export async function openRequestBody(path: string): Promise<RequestBody> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    throw unsendable('the spool file can not be read', error)
  }
  const close = () => file.close().catch(() => {})
  try {
    const elementsEnd = await endOfElements(file)
    return {
      contentLength: opening.length + elementsEnd + closing.length,
      stream: ReadableStream.from<Uint8Array>(bodyChunks(file, elementsEnd)),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Up to the line end that closes the file. */
async function endOfElements(file: FileHandle): Promise<number> {
  const { size } = await file.stat()
  if (size === 0) throw unsendable('the spool file is empty')
  const last = Buffer.alloc(1)
  await file.read(last, 0, 1, size - 1)
  return last[0] === lineFeed ? size - 1 : size
}

async function* bodyChunks(file: FileHandle, end: number): AsyncGenerator<Uint8Array> {
  yield opening
  for (let position = 0; position < end;) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end - position))
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
    if (bytesRead === 0) throw new Error('the spool file became shorter while it was sent')
    const bytes = chunk.subarray(0, bytesRead)
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) bytes[at] = comma
    position += bytesRead
    yield bytes
  }
  yield closing
}

/** Found out before anything was sent. */
function unsendable(reason: string, cause?: unknown): ProviderError {
  return new ProviderError(`create: ${reason}`, {
    kind: 'transient',
    code: 'spool_unreadable',
    certainlyNotApplied: true,
    cause,
  })
}
