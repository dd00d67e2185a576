import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { BatchwrightError } from '../core/errors.ts'

/** One item: an object in any of the four line formats. */
export type ItemLine = object

/**
 * Where a job's items come from: a path (JSON lines, or CSV by its name), objects, or bytes as they are.
 * An array and a file can be read again, so their upload is repeated after a broken connection; anything else is read once.
 */
export type Items = string | URL | FileItems | RawItems | JobItems | Iterable<ItemLine> | AsyncIterable<ItemLine>

/** A file; `format` where its name does not tell. */
export interface FileItems {
  readonly path: string | URL
  readonly format?: InputFormat | undefined
}

/** The items of another job, with their ids; what that job asked is taken over where the new one does not say. */
export interface JobItems {
  /** Its whole id. */
  readonly job: string
}

/** Bytes that are input lines already, such as standard input. */
export interface RawItems {
  readonly bytes: AsyncIterable<Uint8Array>
  readonly format: InputFormat
  readonly name?: string
}

export interface ItemSource {
  readonly name: string
  readonly mediaType: string
  readonly isRepeatable: boolean
  /** Null when it is not known ahead. */
  readonly sizeBytes: number | null
  /** From the beginning. Only once, unless `isRepeatable`. */
  open(): AsyncIterable<Uint8Array>
}

export function isJobItems(items: Items): items is JobItems {
  return typeof items === 'object' && 'job' in items
}

export type InputFormat = 'jsonl' | 'csv'

const mediaTypes = { jsonl: 'application/x-ndjson', csv: 'text/csv' } as const

/** Throws `input_not_found` or `input_not_readable` for a path that can't be read. */
export async function itemSourceOf(items: Exclude<Items, JobItems>): Promise<ItemSource> {
  if (typeof items === 'string' || items instanceof URL) return await fileSource(items, formatOfName(String(items)))
  // A stream of Node's has a `path` as well, so what can be iterated is asked first.
  if (Symbol.iterator in items || Symbol.asyncIterator in items) {
    return {
      name: 'items.jsonl',
      mediaType: mediaTypes.jsonl,
      isRepeatable: Array.isArray(items),
      sizeBytes: null,
      open: () => encodedLines(items),
    }
  }
  if ('path' in items) return await fileSource(items.path, items.format ?? formatOfName(String(items.path)))
  const { bytes, format, name = `items.${format}` } = items
  return { name, mediaType: mediaTypes[format], isRepeatable: false, sizeBytes: null, open: () => bytes }
}

/** The same source, telling how many bytes were read of it; from 0 again at each opening. */
export function withProgress(source: ItemSource, onProgress: (sentBytes: number, totalBytes: number | null) => void): ItemSource {
  return {
    ...source,
    async *open() {
      let sentBytes = 0
      for await (const chunk of source.open()) {
        yield chunk
        sentBytes += chunk.length
        onProgress(sentBytes, source.sizeBytes)
      }
    },
  }
}

async function fileSource(path: string | URL, format: InputFormat): Promise<ItemSource> {
  const information = await stat(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const [problem, message] =
      code === 'ENOENT' ? ['input_not_found', 'there is no file'] : ['input_not_readable', `can't read (${String(code)})`]
    throw new BatchwrightError(problem, `${message} ${String(path)}`, { cause: error, details: { path: String(path) } })
  })
  if (information.isDirectory()) {
    throw new BatchwrightError('input_not_readable', `${String(path)} is a folder: name a .jsonl or .csv file`, {
      details: { path: String(path) },
    })
  }
  const fileName = basename(path instanceof URL ? path.pathname : path)
  // The server goes by the name as well.
  const name = formatOfName(fileName) === format ? fileName : `${fileName}.${format}`
  return {
    name,
    mediaType: mediaTypes[format],
    // A pipe or a terminal given by its path is gone once it is read.
    isRepeatable: information.isFile(),
    sizeBytes: information.isFile() ? information.size : null,
    open: () => createReadStream(path, { highWaterMark: 64 * 1024 }) as AsyncIterable<Uint8Array>,
  }
}

/** CSV by its name; everything else is JSON lines. */
function formatOfName(name: string): InputFormat {
  return /\.csv$/i.test(name) ? 'csv' : 'jsonl'
}

/** Joined to chunks of some size: a chunk for every small item would cost more than the item. */
async function* encodedLines(items: Iterable<ItemLine> | AsyncIterable<ItemLine>): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder()
  let text = ''
  let index = 0
  for await (const item of items) {
    index++
    if (typeof item !== 'object' || item === null || item instanceof Uint8Array) {
      const kind = item instanceof Uint8Array ? 'bytes' : item === null ? 'null' : typeof item
      const remedy =
        kind === 'bytes' ? "give a stream of lines as { bytes: stream, format: 'jsonl' }" : 'give objects like { prompt: "…" }'
      throw new BatchwrightError('invalid_items', `item ${index} is ${kind}: ${remedy}`)
    }
    text += `${JSON.stringify(item)}\n`
    if (text.length >= 64 * 1024) {
      yield encoder.encode(text)
      text = ''
    }
  }
  if (text !== '') yield encoder.encode(text)
}
