import type { IncomingMessage } from 'node:http'
import { rm } from 'node:fs/promises'
import { json, type Exchange, type Reply } from '../exchange.ts'
import type { LiveOptions } from '../options.ts'
import type { Route } from '../provider-simulation.ts'
import { GeminiError, invalidArgument } from './errors.ts'
import { fileName } from './ids.ts'
import { page } from './pagination.ts'
import { isNeeded, type GeminiState, type StoredFile } from './state.ts'
import type { WireFile } from './wire.ts'

export interface FilesDeps {
  readonly state: GeminiState
  readonly options: LiveOptions
  readonly pathOf: (fileId: string) => string
}

export function fileRoutes(deps: FilesDeps): Route[] {
  /** How often each file was downloaded, for the quirk `truncated_downloads`. */
  const downloads = new Map<string, number>()
  const content = (path: string): Route => ({
    name: 'files.content',
    method: 'GET',
    path,
    handle: (exchange) => download(deps, downloads, exchange),
  })
  return [
    // The first is what the guide says, the second what the SDK asks.
    content('/download/v1beta/files/::download'),
    content('/v1beta/files/::download'),
    { name: 'files.list', method: 'GET', path: '/v1beta/files', handle: (exchange) => listFiles(deps, exchange) },
    { name: 'files.retrieve', method: 'GET', path: '/v1beta/files/:', handle: (exchange) => retrieveFile(deps, exchange) },
    { name: 'files.delete', method: 'DELETE', path: '/v1beta/files/:', handle: (exchange) => deleteFile(deps, exchange) },
  ]
}

/** A file of the caller's that is there and not over its time; null for all else. */
export function fileOf({ state, options }: Pick<FilesDeps, 'state' | 'options'>, id: string, key: string): StoredFile | null {
  const file = state.files.get(id)
  return file !== undefined && file.key === key && expiresMs(file, options) > Date.now() ? file : null
}

/** A file that isn't there and one of somebody else are answered alike: https://github.com/googleapis/python-genai/issues/1218. */
export function noSuchFile(id: string): GeminiError {
  const message = `You do not have permission to access the File ${id} or it may not exist.`
  return new GeminiError(403, 'PERMISSION_DENIED', message)
}

/** A file that was just uploaded may be `PROCESSING` for a while, and can't be used before it is `ACTIVE`. */
export function stateOf({ source, createdMs }: StoredFile, { current }: LiveOptions): WireFile['state'] {
  return source === 'UPLOADED' && createdMs + current.quirks.file_processing_ms > Date.now() ? 'PROCESSING' : 'ACTIVE'
}

export function wireFile(file: StoredFile, { headers }: IncomingMessage, options: LiveOptions): WireFile {
  const created = new Date(file.createdMs).toISOString()
  const uri = `http://${headers.host ?? '127.0.0.1'}/gemini/v1beta/files/${file.id}`
  return {
    name: fileName(file.id),
    ...(file.displayName === null ? {} : { displayName: file.displayName }),
    mimeType: file.mimeType,
    sizeBytes: String(file.bytes),
    createTime: created,
    updateTime: created,
    expirationTime: new Date(expiresMs(file, options)).toISOString(),
    sha256Hash: file.sha256,
    uri,
    ...(file.source === 'GENERATED' ? { downloadUri: `${uri}:download?alt=media` } : {}),
    state: stateOf(file, options),
    source: file.source,
  }
}

/** Six weeks: https://ai.google.dev/gemini-api/docs/batch-api. */
export function resultsLifetimeMs({ current }: LiveOptions): number {
  return current.results_lifetime_ms ?? 42 * 86_400_000
}

function expiresMs({ source, createdMs }: StoredFile, options: LiveOptions): number {
  return createdMs + (source === 'GENERATED' ? resultsLifetimeMs(options) : options.current.file_lifetime_ms)
}

function listFiles(deps: FilesDeps, exchange: Exchange): Reply {
  const { state, options } = deps
  const own = [...state.files.values()].filter(({ id }) => fileOf({ state, options }, id, exchange.key) !== null).reverse()
  const { items, ...next } = page(own, exchange.url, { standard: 10, most: 100 })
  return json({
    ...(items.length === 0 ? {} : { files: items.map((file) => wireFile(file, exchange.request, options)) }),
    ...next,
  })
}

function findFile(deps: FilesDeps, { params, key }: Exchange, method: 'GetFile' | 'DeleteFile'): StoredFile {
  const id = params[0] ?? ''
  if (id.length > 40 && deps.options.current.quirks.unreachable_result_files)
    throw invalidArgument(`* ${method}Request.name: File ID (name excluding 'files/') cannot be more than 40 characters.\n`)
  const file = fileOf(deps, id, key)
  if (file === null) throw noSuchFile(id)
  return file
}

function retrieveFile(deps: FilesDeps, exchange: Exchange): Reply {
  return json(wireFile(findFile(deps, exchange, 'GetFile'), exchange.request, deps.options))
}

async function deleteFile(deps: FilesDeps, exchange: Exchange): Promise<Reply> {
  const file = findFile(deps, exchange, 'DeleteFile')
  deps.state.record({ type: 'file_deleted', id: file.id })
  // An open batch has its input already; after a restart it reads it again.
  if (!isNeeded(file.id, deps.state)) await rm(deps.pathOf(file.id), { force: true })
  return json({})
}

function download(deps: FilesDeps, downloads: Map<string, number>, { params, key, url }: Exchange): Reply {
  const id = params[0] ?? ''
  const { quirks } = deps.options.current
  const file = fileOf(deps, id, key)
  if (file === null || (file.source === 'GENERATED' && file.createdMs + quirks.output_file_delay_ms > Date.now()))
    throw noSuchFile(id)
  // What one uploaded oneself can't be downloaded: https://ai.google.dev/gemini-api/docs/files
  if (file.source === 'UPLOADED') throw invalidArgument('Only generated files can be downloaded.')
  if (url.searchParams.get('alt') !== 'media') throw invalidArgument('Files are downloaded with alt=media.')
  const earlier = downloads.get(id) ?? 0
  downloads.set(id, earlier + 1)
  return {
    type: 'file',
    path: deps.pathOf(id),
    bytes: file.bytes,
    contentType: file.mimeType,
    truncateAfterBytes: earlier < quirks.truncated_downloads ? file.bytes >> 1 : undefined,
  }
}
