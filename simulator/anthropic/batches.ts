import { randomBytes } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { json, type Exchange, type Reply } from '../exchange.ts'
import type { LiveOptions } from '../options.ts'
import type { Route } from '../provider-simulation.ts'
import { statSync } from 'node:fs'
import { versionOf } from './api-version.ts'
import type { BatchFiles } from './batch-files.ts'
import { storeRequests } from './batch-requests.ts'
import type { BatchRunner } from './batch-runner.ts'
import { AnthropicError, invalidRequest, notFound } from './errors.ts'
import { page } from './pagination.ts'
import type { AnthropicState, BatchCreated, StoredBatch } from './state.ts'
import type { WireBatch, WirePage } from './wire.ts'

export interface BatchesDeps {
  readonly state: AnthropicState
  readonly options: LiveOptions
  readonly runner: BatchRunner
  readonly files: BatchFiles
  /** How often each batch was asked for by id. */
  readonly retrievals: Map<string, number>
}

export function batchRoutes(deps: BatchesDeps): Route[] {
  /** How often the results of each batch were downloaded, for the quirk `truncated_downloads`. */
  const downloads = new Map<string, number>()
  const at = (
    name: string,
    method: Route['method'],
    path: string,
    handle: (deps: BatchesDeps, exchange: Exchange) => Promise<Reply> | Reply,
  ): Route => ({ name, method, path: `/v1/messages/batches${path}`, handle: (exchange) => handle(deps, exchange) })
  return [
    { ...at('batches.create', 'POST', '', createBatch), creates: true },
    at('batches.list', 'GET', '', listBatches),
    at('batches.retrieve', 'GET', '/:', retrieveBatch),
    at('batches.cancel', 'POST', '/:/cancel', cancelBatch),
    at('batches.delete', 'DELETE', '/:', deleteBatch),
    at('batches.results', 'GET', '/:/results', (_deps, exchange) => downloadResults(deps, downloads, exchange)),
  ]
}

export function newBatchId(): string {
  return `msgbatch_01${randomBytes(11).toString('hex')}`
}

/** Records a batch whose requests are in place, and sets it going. */
export function addBatch({ state, runner }: Pick<BatchesDeps, 'state' | 'runner'>, created: BatchCreated): StoredBatch {
  state.record({ type: 'batch_created', batch: created })
  const batch = state.batches.get(created.id)
  if (batch === undefined) throw new Error('the batch was not recorded')
  runner.start(batch)
  return batch
}

async function createBatch(deps: BatchesDeps, exchange: Exchange): Promise<Reply> {
  const { files, options } = deps
  const mostRequests = options.current.max_requests ?? 100_000
  const mostBytes = options.current.max_batch_bytes ?? 256 << 20
  const id = newBatchId()
  const partial = `${files.inputPath(id)}.part`
  try {
    const requests = await storeRequests(exchange.request, partial, { mostRequests, mostBytes })
    refuseAboveQueueLimit(deps, exchange.key, requests.total)
    await rename(partial, files.inputPath(id))
    const createdMs = Date.now()
    const batch = addBatch(deps, {
      id,
      key: exchange.key,
      version: versionOf(exchange.request.headers),
      ...requests,
      createdMs,
      expiresMs: createdMs + (options.current.window_ms ?? 86_400_000),
      foreign: false,
    })
    exchange.made.applied = true
    exchange.made.objectId = id
    return json(wireBatch(batch, deps, exchange))
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** https://platform.claude.com/docs/en/api/rate-limits#message-batches-api: so many requests may wait in the batches of an organization. */
function refuseAboveQueueLimit({ state, options }: BatchesDeps, key: string, added: number): void {
  const limit = options.current.queued_request_limit
  if (limit === null) return
  const open = [...state.batches.values()].filter((batch) => batch.key === key && batch.status !== 'ended')
  const waiting = open.reduce((sum, { total }) => sum + total, 0)
  if (waiting + added <= limit) return
  const message = `This request would exceed your organization’s rate limit of ${limit.toLocaleString('en-US')} batch requests in the processing queue.`
  throw new AnthropicError(429, 'rate_limit_error', message, { 'retry-after': '1' })
}

function listBatches(deps: BatchesDeps, exchange: Exchange): Reply {
  const newest = Date.now() - deps.options.current.quirks.list_delay_ms
  const own = [...deps.state.batches.values()].filter(
    (batch) => batch.key === exchange.key && !batch.deleted && batch.createdMs <= newest,
  )
  // Look-alikes may be older than what was recorded before them.
  own.sort((one, other) => other.createdMs - one.createdMs || other.number - one.number)
  return json(page(own, exchange.url, (batch) => wireBatch(batch, deps, exchange)) satisfies WirePage<WireBatch>)
}

function findBatch({ state }: BatchesDeps, { params, key }: Exchange): StoredBatch {
  const batch = state.batches.get(params[0] ?? '')
  if (batch === undefined || batch.key !== key || batch.deleted) throw noSuchBatch(params[0] ?? '')
  return batch
}

function noSuchBatch(id: string): AnthropicError {
  return notFound(`Message Batch ${id} not found.`)
}

function retrieveBatch(deps: BatchesDeps, exchange: Exchange): Reply {
  const batch = findBatch(deps, exchange)
  if (batch.createdMs + deps.options.current.quirks.retrieve_delay_ms > Date.now()) throw noSuchBatch(batch.id)
  deps.retrievals.set(batch.id, (deps.retrievals.get(batch.id) ?? 0) + 1)
  return json(wireBatch(batch, deps, exchange))
}

function cancelBatch(deps: BatchesDeps, exchange: Exchange): Reply {
  const batch = findBatch(deps, exchange)
  if (batch.status === 'in_progress') deps.runner.cancel(batch)
  // Whether a late cancel is refused is not documented; the batch as it is serves a caller who only wants it to be over.
  return json(wireBatch(batch, deps, exchange))
}

async function deleteBatch(deps: BatchesDeps, exchange: Exchange): Promise<Reply> {
  const batch = findBatch(deps, exchange)
  if (batch.status !== 'ended')
    throw invalidRequest('In progress batches cannot be deleted. Consider canceling the batch instead.')
  deps.state.record({ type: 'batch_deleted', id: batch.id })
  await rm(deps.files.resultsPath(batch.id), { force: true })
  return json({ id: batch.id, type: 'message_batch_deleted' })
}

function downloadResults(deps: BatchesDeps, downloads: Map<string, number>, exchange: Exchange): Reply {
  const { quirks } = deps.options.current
  const batch = findBatch(deps, exchange)
  const ready = batch.endedMs !== null && batch.endedMs + quirks.output_file_delay_ms <= Date.now()
  // https://github.com/alexrudall/anthropic/blob/main/spec/anthropic/client/messages/batches_spec.rb
  if (!ready || archivedMs(batch, deps) !== null) throw notFound(`Message Batch ${batch.id} has no available results.`)
  const path = deps.files.resultsPath(batch.id)
  const bytes = statSync(path).size
  const earlier = downloads.get(batch.id) ?? 0
  downloads.set(batch.id, earlier + 1)
  return {
    type: 'file',
    path,
    bytes,
    contentType: 'application/x-jsonl',
    streamed: true,
    truncateAfterBytes: earlier < quirks.truncated_downloads ? bytes >> 1 : undefined,
  }
}

/** When the results went away, 29 days after the batch was created; null while they are there. */
function archivedMs(batch: StoredBatch, { options }: BatchesDeps): number | null {
  const at = batch.createdMs + options.current.archive_after_ms
  return batch.status === 'ended' && at <= Date.now() ? at : null
}

function wireBatch(batch: StoredBatch, deps: BatchesDeps, { request }: Exchange): WireBatch {
  const { counts, total } = batch
  const archived = archivedMs(batch, deps)
  const lies = deps.options.current.quirks.lying_counts
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: batch.status,
    request_counts:
      counts === null
        ? { processing: total, succeeded: 0, errored: 0, canceled: 0, expired: 0 }
        : lies
          ? { processing: 0, succeeded: total, errored: 0, canceled: 0, expired: 0 }
          : { processing: 0, ...counts },
    created_at: timestamp(batch.createdMs),
    expires_at: timestamp(batch.expiresMs),
    ended_at: batch.endedMs === null ? null : timestamp(batch.endedMs),
    cancel_initiated_at: batch.cancelMs === null ? null : timestamp(batch.cancelMs),
    archived_at: archived === null ? null : timestamp(archived),
    results_url:
      counts === null || archived !== null
        ? null
        : `http://${request.headers.host ?? '127.0.0.1'}/anthropic/v1/messages/batches/${batch.id}/results`,
  }
}

function timestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
