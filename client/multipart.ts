import { randomUUID } from 'node:crypto'
import type { ItemSource } from './item-source.ts'

/**
 * `multipart/form-data` as a stream: `job` (JSON) first, so that the server can refuse a wrong spec before it has read any item, then `file`.
 * Written by hand because `FormData` would need the whole file as a Blob.
 */
export function multipartBody(job: unknown, source: ItemSource): { contentType: string; open: () => ReadableStream<Uint8Array> } {
  const boundary = `batchwright-${randomUUID()}`
  const encoder = new TextEncoder()
  // Quotes and line ends would end the header's value; this is how browsers escape them.
  const fileName = source.name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  async function* parts(): AsyncGenerator<Uint8Array, void, undefined> {
    yield encoder.encode(
      `--${boundary}\r\ncontent-disposition: form-data; name="job"\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(job)}\r\n` +
        `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${fileName}"\r\ncontent-type: ${source.mediaType}\r\n\r\n`,
    )
    yield* source.open()
    yield encoder.encode(`\r\n--${boundary}--\r\n`)
  }
  return { contentType: `multipart/form-data; boundary=${boundary}`, open: () => ReadableStream.from(parts()) }
}
