import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyFileStream } from '@fastify/busboy'
import { BatchwrightError } from '../../core/errors.ts'
import { parseJson } from '../json-text.ts'

/** A multipart upload whose file has begun to arrive. */
export interface MultipartUpload {
  /** The JSON of the part `job`, parsed. */
  readonly job: unknown
  readonly fileName: string | undefined
  readonly mediaType: string
  /** Must be read to its end. Throws `upload_broken` when the body ends early. */
  readonly file: AsyncIterable<Uint8Array>
}

/** A job spec with a prompt and a schema has its place in this. */
const jobPartBytes = 4 * 1024 * 1024

/**
 * Reads `multipart/form-data` with a part `job` (JSON) and then a part `file`, as it streams: nothing of the file is kept here. The order matters,
 * because a wrong spec is refused before the file is read. Throws `invalid_request` and `invalid_json`.
 */
export async function readMultipart(source: AsyncIterable<Uint8Array>, contentType: string): Promise<MultipartUpload> {
  const parser = createParser(contentType)
  const { promise: upload, resolve, reject } = Promise.withResolvers<MultipartUpload>()
  let job: Promise<string> | null = null
  let file: BusboyFileStream | null = null
  let surplus: BatchwrightError | null = null

  parser.on('file', (name, part, fileName, _encoding, mediaType) => {
    // Whoever reads it gets the error; when nobody does any more, it must not end the process.
    part.on('error', () => {})
    if (name === 'job' && job === null) {
      job = collect(part)
      job.catch(reject)
    } else if (name === 'file' && job !== null && file === null) {
      file = part
      const bytes = readAll(part)
      job.then((text) => resolve({ job: parseJson(text, 'the part "job"'), fileName, mediaType, file: bytes })).catch(reject)
    } else {
      part.resume()
      surplus ??= wrongParts(
        name === 'file' && file === null ? '"file" came without "job" before it' : `it has another part "${name}"`,
      )
      reject(surplus)
    }
  })
  const parsed = pipeline(Readable.from(source, { objectMode: false, highWaterMark: 256 * 1024 }), parser)
  parsed.then(
    () => reject(wrongParts('it has no part "file"')),
    (error: unknown) => {
      const broken = error instanceof BatchwrightError ? error : brokenUpload(error)
      reject(broken)
      file?.destroy(broken)
    },
  )
  return await upload

  /** The file's bytes, and then the end of the whole body: a file without it was cut. */
  async function* readAll(part: BusboyFileStream): AsyncGenerator<Uint8Array> {
    try {
      yield* part as AsyncIterable<Uint8Array>
      await parsed
    } catch (error) {
      throw error instanceof BatchwrightError ? error : brokenUpload(error)
    }
    if (surplus !== null) throw surplus
  }
}

function createParser(contentType: string): InstanceType<typeof Busboy> {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      highWaterMark: 256 * 1024,
      fileHwm: 256 * 1024,
      limits: { parts: 10 },
      // `job` too, however its sender declares it.
      isPartAFile: () => true,
    })
  } catch (error) {
    throw new BatchwrightError('invalid_request', 'the multipart body has no boundary in its content type', { cause: error })
  }
}

async function collect(file: BusboyFileStream): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of file as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > jobPartBytes) throw new BatchwrightError('body_too_large', `the part "job" is larger than ${jobPartBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function wrongParts(reason: string): BatchwrightError {
  return new BatchwrightError(
    'invalid_request',
    `the multipart body needs a part "job" (JSON), then a part "file", and nothing else; ${reason}`,
  )
}

function brokenUpload(cause: unknown): BatchwrightError {
  return new BatchwrightError('upload_broken', 'the upload ended before the end of its body; nothing was stored', { cause })
}
