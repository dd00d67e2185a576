import { randomBytes } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { z } from 'zod'
import { json, type Exchange, type Reply } from '../exchange.ts'
import { createFileWriter } from '../file-writer.ts'
import { MalformedUpload, readMultipart, type Upload } from '../multipart.ts'
import type { LiveOptions } from '../options.ts'
import type { Route } from '../provider-simulation.ts'
import { invalidRequest, notFound } from './errors.ts'
import { page, pageQuery } from './pagination.ts'
import { isTerminal, type OpenaiState, type StoredFile } from './state.ts'
import type { WireFile, WireList } from './wire.ts'

export interface FilesDeps {
  readonly state: OpenaiState
  readonly options: LiveOptions
  readonly pathOf: (fileId: string) => string
}

const purposes = ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals'] as const
const thirtyDaysSeconds = 2_592_000

const expirySchema = z.object({
  anchor: z.literal('created_at'),
  seconds: z.coerce.number().int().min(3600).max(thirtyDaysSeconds),
})

export function fileRoutes(deps: FilesDeps): Route[] {
  /** How often each file was downloaded, for the quirk `truncated_downloads`. */
  const downloads = new Map<string, number>()
  return [
    { name: 'files.create', method: 'POST', path: '/files', creates: true, handle: (exchange) => createFile(deps, exchange) },
    { name: 'files.list', method: 'GET', path: '/files', handle: (exchange) => listFiles(deps, exchange) },
    {
      name: 'files.retrieve',
      method: 'GET',
      path: '/files/:',
      handle: (exchange) => json(wireFile(findFile(deps, exchange), deps.options)),
    },
    { name: 'files.content', method: 'GET', path: '/files/:/content', handle: (exchange) => download(deps, downloads, exchange) },
    { name: 'files.delete', method: 'DELETE', path: '/files/:', handle: (exchange) => deleteFile(deps, exchange) },
  ]
}

async function createFile({ state, options, pathOf }: FilesDeps, exchange: Exchange): Promise<Reply> {
  const id = `file-${randomBytes(11).toString('hex')}`
  const partial = `${pathOf(id)}.part`
  const writer = await createFileWriter(partial)
  try {
    let upload: Upload
    try {
      upload = await readMultipart(exchange.request, (data) => writer.write(data))
    } finally {
      await writer.close()
    }
    const file = storedFile(id, exchange.key, upload)
    await rename(partial, pathOf(id))
    state.record({ type: 'file_created', file })
    exchange.made.applied = true
    exchange.made.objectId = id
    return json(wireFile(file, options))
  } catch (error) {
    await rm(partial, { force: true })
    throw error instanceof MalformedUpload ? invalidRequest(error.message) : error
  }
}

function storedFile(id: string, key: string, { fields, file }: Upload): StoredFile {
  const purpose = purposes.find((known) => known === fields.get('purpose'))
  if (purpose === undefined) {
    const given = fields.get('purpose')
    throw invalidRequest(
      given === undefined
        ? "'purpose' is a required property"
        : `'${given}' is not one of [${purposes.map((known) => `'${known}'`).join(', ')}] - 'purpose'`,
      'purpose',
    )
  }
  if (file === null) throw invalidRequest("'file' is a required property", 'file')
  // https://github.com/BerriAI/litellm/pull/37527 shows the live API's answer.
  if (purpose === 'batch' && !file.filename.endsWith('.jsonl'))
    throw invalidRequest('Invalid file format for Batch API. Must be .jsonl')
  const createdMs = Date.now()
  const seconds = expiresAfterSeconds(fields) ?? (purpose === 'batch' ? thirtyDaysSeconds : null)
  return {
    id,
    key,
    filename: file.filename,
    purpose: purpose === 'evals' ? 'user_data' : purpose,
    bytes: file.bytes,
    createdMs,
    expiresMs: seconds === null ? null : createdMs + seconds * 1000,
  }
}

function expiresAfterSeconds(fields: ReadonlyMap<string, string>): number | null {
  const anchor = fields.get('expires_after[anchor]')
  const seconds = fields.get('expires_after[seconds]')
  if (anchor === undefined && seconds === undefined) return null
  const parsed = expirySchema.safeParse({ anchor, seconds })
  if (!parsed.success)
    throw invalidRequest(
      `Invalid 'expires_after': anchor must be created_at and seconds from 3600 to ${thirtyDaysSeconds}.`,
      'expires_after',
    )
  return parsed.data.seconds
}

function listFiles({ state, options }: FilesDeps, exchange: Exchange): Reply {
  const query = pageQuery(exchange.url, 10_000)
  const purpose = exchange.url.searchParams.get('purpose')
  const files = [...state.files.values()].filter(
    (file) => isVisible(file, exchange.key, options) && (purpose === null || file.purpose === purpose),
  )
  if (exchange.url.searchParams.get('order') !== 'asc') files.reverse()
  return json(page(files, query, (file) => wireFile(file, options)) satisfies WireList<WireFile>)
}

function isVisible(file: StoredFile, key: string, options: LiveOptions): boolean {
  const expiresMs = expiryOf(file, options)
  if (file.key !== key || (expiresMs !== null && expiresMs <= Date.now())) return false
  return file.purpose !== 'batch_output' || file.createdMs + options.current.quirks.output_file_delay_ms <= Date.now()
}

/** The results of a batch go at the time that its create asked for, 30 days by default, or earlier, if the simulator is told so. */
function expiryOf({ purpose, createdMs, expiresMs }: StoredFile, { current }: LiveOptions): number | null {
  const lifetimeMs = purpose === 'batch_output' ? (current.results_lifetime_ms ?? null) : null
  return lifetimeMs === null ? expiresMs : Math.min(createdMs + lifetimeMs, expiresMs ?? Number.POSITIVE_INFINITY)
}

function findFile({ state, options }: FilesDeps, { params, key }: Exchange): StoredFile {
  const file = state.files.get(params[0] ?? '')
  if (file === undefined || !isVisible(file, key, options)) throw notFound(`No such File object: ${params[0] ?? ''}`)
  return file
}

function download(deps: FilesDeps, downloads: Map<string, number>, exchange: Exchange): Reply {
  const file = findFile(deps, exchange)
  const earlier = downloads.get(file.id) ?? 0
  downloads.set(file.id, earlier + 1)
  const truncated = file.purpose === 'batch_output' && earlier < deps.options.current.quirks.truncated_downloads
  return {
    type: 'file',
    path: deps.pathOf(file.id),
    bytes: file.bytes,
    truncateAfterBytes: truncated ? file.bytes >> 1 : undefined,
  }
}

async function deleteFile(deps: FilesDeps, exchange: Exchange): Promise<Reply> {
  const file = findFile(deps, exchange)
  deps.state.record({ type: 'file_deleted', id: file.id })
  // An open batch has its input already; after a restart it reads it again.
  const needed = [...deps.state.batches.values()].some((batch) => batch.inputFileId === file.id && !isTerminal(batch.status))
  if (!needed) await rm(deps.pathOf(file.id), { force: true })
  return json({ id: file.id, object: 'file', deleted: true })
}

function wireFile(file: StoredFile, options: LiveOptions): WireFile {
  const expiresMs = expiryOf(file, options)
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes,
    created_at: Math.floor(file.createdMs / 1000),
    expires_at: expiresMs === null ? null : Math.floor(expiresMs / 1000),
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed',
    status_details: null,
  }
}
