import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs'
import { rename, rm, truncate, writeFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { IncomingMessage } from 'node:http'
import { readJson, type Exchange, type Reply } from '../exchange.ts'
import { isObject } from '../json.ts'
import type { LiveOptions } from '../options.ts'
import type { Route } from '../provider-simulation.ts'
import { partialPath } from './batch-files.ts'
import { GeminiError, invalidArgument, notFound } from './errors.ts'
import { fieldOf, messageOf, textOf } from './field.ts'
import { wireFile } from './files.ts'
import { fileName, newId } from './ids.ts'
import type { GeminiState, StoredFile, Upload } from './state.ts'

export interface UploadsDeps {
  readonly state: GeminiState
  readonly options: LiveOptions
  readonly pathOf: (fileId: string) => string
}

/** All chunks but the last are multiples of it (https://developers.google.com/photos/library/guides/resumable-uploads). */
const granularity = 262_144
const twoGigabytes = 2 ** 31

/**
 * The resumable upload of the SDKs: one call announces the file and gets an address, then the bytes come there, in as many calls as one likes. Its commands:
 * https://ai.google.dev/gemini-api/docs/files, and `query` and `cancel` as in https://developers.google.com/photos/library/guides/resumable-uploads.
 */
export function uploadRoutes(deps: UploadsDeps): Route[] {
  const busy = new Set<string>()
  const at = (name: string, takes: (commands: readonly string[]) => boolean, handle: Route['handle']): Route => ({
    name,
    method: 'POST',
    path: '/upload/v1beta/files',
    takes: (request) => takes(commandsOf(request)),
    handle,
  })
  const chunk: Route['handle'] = (exchange) => continueUpload(deps, busy, exchange)
  return [
    at(
      'files.start',
      (commands) => commands.length === 0 || commands.includes('start'),
      (exchange) => startUpload(deps, exchange),
    ),
    // The call that ends the upload is the one that makes the file.
    { ...at('files.create', (commands) => commands.includes('finalize'), chunk), creates: true, keyless: true },
    { ...at('files.upload', () => true, chunk), keyless: true },
  ]
}

function commandsOf({ headers }: IncomingMessage): string[] {
  const header = headers['x-goog-upload-command']
  return typeof header === 'string' ? header.split(',').map((command) => command.trim()) : []
}

async function startUpload({ state, options, pathOf }: UploadsDeps, { request, key, url }: Exchange): Promise<Reply> {
  const { headers } = request
  if (headers['x-goog-upload-protocol'] !== 'resumable')
    throw invalidArgument('The simulator takes resumable uploads only: X-Goog-Upload-Protocol: resumable.')
  const body = await readJson(request).catch((error: unknown) => {
    throw error instanceof SyntaxError ? invalidArgument('Invalid JSON payload received.') : error
  })
  const file = isObject(body) ? messageOf(body, 'file') : {}
  const announced = headers['x-goog-upload-header-content-length']
  const bytes = typeof announced === 'string' ? Number(announced) : null
  if (bytes !== null && !(Number.isInteger(bytes) && bytes >= 0))
    throw invalidArgument('Invalid value for X-Goog-Upload-Header-Content-Length.')
  refuseAbove(bytes ?? 0, options)
  const type = headers['x-goog-upload-header-content-type']
  const upload: Upload = {
    id: randomBytes(24).toString('base64url'),
    fileId: fileIdFor(fieldOf(file, 'name'), state),
    key,
    displayName: textOf(file, 'displayName'),
    mimeType: textOf(file, 'mimeType') ?? (typeof type === 'string' ? type : 'application/octet-stream'),
    bytes,
  }
  await writeFile(partialPath(pathOf(upload.fileId)), '')
  state.record({ type: 'upload_started', upload })
  const address = `http://${headers.host ?? '127.0.0.1'}${url.pathname}?upload_id=${upload.id}&upload_protocol=resumable`
  return status('active', { 'x-goog-upload-url': address, 'x-goog-upload-chunk-granularity': String(granularity) })
}

function fileIdFor(name: unknown, { files, uploads }: GeminiState): string {
  if (typeof name !== 'string') return newId(12)
  const id = name.replace(/^files\//, '')
  // https://discuss.ai.google.dev/t/how-to-upload-files-with-media-upload-in-rest-api/6904
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(id))
    throw invalidArgument(
      '* CreateFileRequest.file.name: File name may only contain lowercase alphanumeric characters or dashes (-) and cannot begin or end with a dash.\n',
    )
  if (id.length > 40)
    throw invalidArgument("* CreateFileRequest.file.name: File ID (name excluding 'files/') cannot be more than 40 characters.\n")
  if (files.has(id) || [...uploads.values()].some(({ fileId }) => fileId === id))
    throw new GeminiError(409, 'ALREADY_EXISTS', 'Requested entity already exists')
  return id
}

async function continueUpload(deps: UploadsDeps, busy: Set<string>, exchange: Exchange): Promise<Reply> {
  const { state, pathOf } = deps
  const id = exchange.url.searchParams.get('upload_id') ?? ''
  const done = state.files.get(state.finishedUploads.get(id) ?? '')
  // A client whose last answer was lost asks, and gets it again.
  if (done !== undefined) return finished(done, exchange, deps.options)
  const upload = state.uploads.get(id)
  if (upload === undefined) throw notFound()
  const commands = commandsOf(exchange.request)
  const part = partialPath(pathOf(upload.fileId))
  if (commands.includes('query')) return status('active', { 'x-goog-upload-size-received': String(sizeOf(part)) })
  if (busy.has(id)) throw new GeminiError(409, 'ABORTED', 'Another call uploads to the same address.')
  busy.add(id)
  try {
    if (commands.includes('cancel')) {
      state.record({ type: 'upload_cancelled', id })
      await rm(part, { force: true })
      return status('cancelled')
    }
    if (commands.includes('upload')) await receive(deps, upload, part, exchange, commands.includes('finalize'))
    if (!commands.includes('finalize')) return status('active', { 'x-goog-upload-size-received': String(sizeOf(part)) })
    const file = await finalize(deps, upload, part)
    exchange.made.applied = true
    exchange.made.objectId = fileName(file.id)
    return finished(file, exchange, deps.options)
  } finally {
    busy.delete(id)
  }
}

/** Appends the body. Of a body that breaks off, whole multiples of the granularity stay. */
async function receive(
  { options }: UploadsDeps,
  upload: Upload,
  part: string,
  { request }: Exchange,
  last: boolean,
): Promise<void> {
  const before = sizeOf(part)
  const offset = Number(request.headers['x-goog-upload-offset'] ?? 0)
  if (offset !== before) throw invalidArgument(`Invalid upload offset: ${offset}, but ${before} bytes have been received.`)
  const most = upload.bytes ?? options.current.max_batch_bytes ?? twoGigabytes
  let received = 0
  try {
    await pipeline(
      request.iterator({ destroyOnReturn: false }),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          received += chunk.length
          if (before + received > most) throw invalidArgument(`The upload has more than the ${most} bytes that are expected.`)
          yield chunk
        }
      },
      createWriteStream(part, { flags: 'a' }),
    )
  } catch (error) {
    if (existsSync(part)) {
      const size = sizeOf(part)
      await truncate(part, error instanceof GeminiError ? before : size - (size % granularity))
    }
    throw error
  }
  if (!last && received % granularity !== 0) {
    await truncate(part, before)
    throw invalidArgument(`The size of a chunk that is not the last must be a multiple of ${granularity} bytes.`)
  }
}

async function finalize({ state, options, pathOf }: UploadsDeps, upload: Upload, part: string): Promise<StoredFile> {
  const bytes = sizeOf(part)
  if (upload.bytes !== null && bytes !== upload.bytes)
    throw invalidArgument(`The upload has ${bytes} bytes, but ${upload.bytes} were announced.`)
  refuseAbove(bytes, options)
  const hash = createHash('sha256')
  await pipeline(createReadStream(part, { highWaterMark: 1 << 20 }), hash)
  const file: StoredFile = {
    id: upload.fileId,
    key: upload.key,
    displayName: upload.displayName,
    mimeType: upload.mimeType,
    bytes,
    sha256: hash.digest('base64'),
    source: 'UPLOADED',
    createdMs: Date.now(),
  }
  await rename(part, pathOf(file.id))
  state.record({ type: 'file_created', file, uploadId: upload.id })
  return file
}

function refuseAbove(bytes: number, { current }: LiveOptions): void {
  const most = current.max_batch_bytes ?? twoGigabytes
  if (bytes > most) throw invalidArgument(`* CreateFileRequest.file: File size exceeds the limit: ${most} bytes.\n`)
}

function finished(file: StoredFile, { request }: Exchange, options: LiveOptions): Reply {
  const headers = { 'x-goog-upload-status': 'final', 'x-goog-upload-size-received': String(file.bytes) }
  return { type: 'json', status: 200, body: { file: wireFile(file, request, options) }, headers }
}

function status(name: 'active' | 'cancelled', headers: Readonly<Record<string, string>> = {}): Reply {
  return { type: 'json', status: 200, body: {}, headers: { 'x-goog-upload-status': name, ...headers } }
}

function sizeOf(path: string): number {
  return statSync(path).size
}
