import type { IncomingMessage } from 'node:http'

export interface UploadedFile {
  readonly filename: string
  readonly bytes: number
}

export interface Upload {
  readonly fields: ReadonlyMap<string, string>
  readonly file: UploadedFile | null
}

/** Where the bytes of the file go. A promise holds the upload back. */
export type FileSink = (data: Buffer) => Promise<void> | void

const mostFieldBytes = 1 << 20
const mostHeaderBytes = 16 << 10

/** Anything that isn't a well-formed multipart body. */
export class MalformedUpload extends Error {}

/**
 * Reads a multipart form with one file, which is handed on as it arrives: 200 MB pass through without being held. Throws MalformedUpload, also when the
 * client hangs up midway (RFC 7578).
 */
export async function readMultipart(request: IncomingMessage, sink: FileSink): Promise<Upload> {
  const boundary = /boundary=(?:"([^"]+)"|([^;]+))/.exec(request.headers['content-type'] ?? '')
  const name = boundary?.[1] ?? boundary?.[2]
  if (name === undefined) throw new MalformedUpload('not a multipart form: no boundary')
  const delimiter = Buffer.from(`\r\n--${name}`)
  const fields = new Map<string, string>()
  let file: UploadedFile | null = null
  let part: { name: string; filename: string | null; bytes: number; value: Buffer[] } | null = null
  let state: 'preamble' | 'boundary' | 'headers' | 'content' | 'end' = 'preamble'
  // The first delimiter has no line before it.
  let data: Buffer = Buffer.from('\r\n')

  const take = async (content: Buffer): Promise<void> => {
    if (part === null || content.length === 0) return
    part.bytes += content.length
    if (part.filename !== null) {
      const full = sink(content)
      if (full !== undefined) await full
    } else {
      if (part.bytes > mostFieldBytes) throw new MalformedUpload(`the field ${part.name} is too long`)
      part.value.push(content)
    }
  }
  const endPart = (): void => {
    if (part === null) return
    if (part.filename === null) fields.set(part.name, Buffer.concat(part.value).toString('utf8'))
    else file = { filename: part.filename, bytes: part.bytes }
    part = null
  }

  for await (const chunk of request) {
    data = data.length === 0 ? (chunk as Buffer) : Buffer.concat([data, chunk as Buffer])
    for (let progress = true; progress && state !== 'end';) {
      progress = false
      switch (state) {
        case 'preamble':
        case 'content': {
          const at = data.indexOf(delimiter)
          if (at >= 0) {
            await take(data.subarray(0, at))
            endPart()
            data = data.subarray(at + delimiter.length)
            state = 'boundary'
            progress = true
          } else if (data.length > delimiter.length) {
            // What could be the beginning of a delimiter waits for the next chunk.
            await take(data.subarray(0, data.length - delimiter.length))
            data = data.subarray(data.length - delimiter.length)
          }
          break
        }
        case 'boundary':
          if (data.length < 2) break
          state = data[0] === 0x2d && data[1] === 0x2d ? 'end' : 'headers'
          progress = true
          break
        case 'headers': {
          const at = data.indexOf('\r\n\r\n')
          if (at < 0) {
            if (data.length > mostHeaderBytes) throw new MalformedUpload('the headers of a part are too long')
            break
          }
          part = partFrom(data.toString('utf8', 0, at))
          data = data.subarray(at + 4)
          state = 'content'
          progress = true
          break
        }
      }
    }
    if (state === 'end') data = Buffer.alloc(0)
  }
  if (state !== 'end') throw new MalformedUpload('the upload ended too early')
  return { fields, file }
}

function partFrom(headers: string): { name: string; filename: string | null; bytes: number; value: Buffer[] } {
  const disposition = /content-disposition:([^\r\n]*)/i.exec(headers)?.[1] ?? ''
  const name = /[; ]name="([^"]*)"/.exec(disposition)?.[1] ?? ''
  const filename = /filename="([^"]*)"/.exec(disposition)?.[1] ?? null
  return { name, filename, bytes: 0, value: [] }
}
