import { readFile, stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import type { JsonObject } from '../core/json.ts'

/** A path that can't be sent; the message is the reason. */
export class LocalFileError extends Error {}

/** By their endings: the images and files that providers take. Any other needs its `media_type` in the line. */
const mediaTypes: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.heic': 'image/heic',
  '.heif': 'image/heif',
  '.pdf': 'application/pdf',
  '.txt': 'text/plain',
  '.md': 'text/markdown',
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.json': 'application/json',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  '.pptx': 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
}

/** An image or file part that names a local file, and nothing else as its source: those are for the API to refuse. */
export interface LocalPart extends JsonObject {
  readonly type: 'image' | 'file'
  readonly path: string
}

export function isLocalPart(part: unknown): part is LocalPart {
  if (typeof part !== 'object' || part === null) return false
  const { type, path, url, data } = part as Record<string, unknown>
  return (type === 'image' || type === 'file') && typeof path === 'string' && url === undefined && data === undefined
}

/**
 * The part with the content of its file as base64 instead of its path, and of a file its name. `path` is relative to `directory`. Throws LocalFileError, before
 * anything is read where the file has more than `mostBytes` as base64.
 */
export async function readLocalPart(part: LocalPart, directory: string, mostBytes: number): Promise<JsonObject> {
  const { path, media_type: givenType, name, ...rest } = part
  const file = resolve(directory, path)
  const mediaType = givenType ?? mediaTypes[extname(file).toLowerCase()]
  if (mediaType === undefined)
    throw new LocalFileError(`the media type of ${file} is not known by its name: give it as \`media_type\`, like "image/png"`)
  let data: string
  try {
    const information = await stat(file)
    // A pipe or a device might never end.
    if (!information.isFile()) throw new LocalFileError(`${file} is not a file`)
    if (information.size === 0) throw new LocalFileError(`${file} is empty`)
    if (base64Length(information.size) > mostBytes)
      throw new LocalFileError(
        `${file} is too large: its ${information.size} bytes would be ${base64Length(information.size)} as base64, and ${Math.max(0, mostBytes)} are left in this line`,
      )
    data = (await readFile(file)).toString('base64')
  } catch (error) {
    if (error instanceof LocalFileError || !(error instanceof Error) || !('code' in error)) throw error
    throw new LocalFileError(
      error.code === 'ENOENT' ? `there is no file ${file}` : `can't read ${file} (${String(error.code)})`,
      { cause: error },
    )
  }
  const fileName = part.type === 'file' ? { name: name ?? basename(file) } : name === undefined ? {} : { name }
  return { ...rest, ...fileName, data, media_type: mediaType }
}

function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3)
}
