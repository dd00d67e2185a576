import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { json, readJson, type Exchange, type Reply } from '../exchange.ts'
import type { LiveOptions } from '../options.ts'
import type { Route } from '../provider-simulation.ts'
import type { BatchRunner } from './batch-runner.ts'
import { ApiError, errorForStatus, invalidRequest, notFound } from './errors.ts'
import { page, pageQuery } from './pagination.ts'
import { isTerminal, type OpenaiState, type StoredBatch } from './state.ts'
import { endpoints, type WireBatch, type WireList } from './wire.ts'

export interface BatchesDeps {
  readonly state: OpenaiState
  readonly options: LiveOptions
  readonly runner: BatchRunner
  /** How often each batch was asked for by id. */
  readonly retrievals: Map<string, number>
}

const createSchema = z.object({
  input_file_id: z.string(),
  endpoint: z.enum(endpoints),
  completion_window: z.literal('24h'),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  output_expires_after: z
    .object({ anchor: z.literal('created_at'), seconds: z.number().int().min(3600).max(2_592_000) })
    .nullish(),
})

export function batchRoutes(deps: BatchesDeps): Route[] {
  return [
    {
      name: 'batches.create',
      method: 'POST',
      path: '/batches',
      creates: true,
      handle: (exchange) => createBatch(deps, exchange),
    },
    { name: 'batches.list', method: 'GET', path: '/batches', handle: (exchange) => listBatches(deps, exchange) },
    { name: 'batches.retrieve', method: 'GET', path: '/batches/:', handle: (exchange) => retrieveBatch(deps, exchange) },
    { name: 'batches.cancel', method: 'POST', path: '/batches/:/cancel', handle: (exchange) => cancelBatch(deps, exchange) },
  ]
}

async function createBatch(deps: BatchesDeps, exchange: Exchange): Promise<Reply> {
  const { state, options, runner } = deps
  const parsed = createSchema.safeParse(await readJson(exchange.request))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const param = issue?.path.join('.') ?? null
    throw invalidRequest(`Invalid value for '${param ?? 'body'}': ${issue?.message ?? 'not understood'}.`, param, 'invalid_value')
  }
  const { input_file_id: inputFileId, endpoint, metadata, output_expires_after: outputExpires } = parsed.data
  refuseAboveHourlyLimit(deps, exchange.key)
  // A file that isn't there shows as a failed batch, not as a 4xx: https://github.com/stdapi-ai/stdapi.ai/issues/240.
  const id = `batch_${randomBytes(16).toString('hex')}`
  const createdMs = Date.now()
  state.record({
    type: 'batch_created',
    batch: {
      id,
      key: exchange.key,
      endpoint,
      inputFileId,
      metadata: metadata ?? null,
      createdMs,
      expiresMs: createdMs + (options.current.window_ms ?? 86_400_000),
      outputExpiresSeconds: outputExpires?.seconds ?? null,
    },
  })
  exchange.made.applied = true
  exchange.made.objectId = id
  exchange.made.inputFileId = inputFileId
  const batch = state.batches.get(id)
  if (batch === undefined) throw new Error('the batch was not recorded')
  const answer = wireBatch(batch, runner, options)
  runner.start(batch)
  return json(answer)
}

/** https://developers.openai.com/api/docs/guides/batch#rate-limits has the limit; the code is that of any 429, the words and a `retry-after` are not documented. */
function refuseAboveHourlyLimit({ state, options }: BatchesDeps, key: string): void {
  const limit = options.current.batches_per_hour
  if (limit === null) return
  const since = Date.now() - 3_600_000
  let created = 0
  for (const batch of state.batches.values()) if (batch.key === key && batch.createdMs > since) created++
  if (created < limit) return
  const message = `Rate limit reached for batch creation in organization org-simulator: Limit ${limit.toLocaleString('en-US')} batches per hour. Please try again later.`
  throw new ApiError(429, errorForStatus(429, message))
}

function listBatches({ state, options, runner }: BatchesDeps, exchange: Exchange): Reply {
  const query = pageQuery(exchange.url, 100, 20)
  const newest = Date.now() - options.current.quirks.list_delay_ms
  const own = [...state.batches.values()].filter((batch) => batch.key === exchange.key && batch.createdMs <= newest).reverse()
  return json(page(own, query, (batch) => wireBatch(batch, runner, options)) satisfies WireList<WireBatch>)
}

function findBatch({ state }: BatchesDeps, { params, key }: Exchange): StoredBatch {
  const batch = state.batches.get(params[0] ?? '')
  if (batch === undefined || batch.key !== key) throw noSuchBatch(params[0] ?? '')
  return batch
}

function noSuchBatch(id: string): ApiError {
  return notFound(`No batch found with id '${id}'.`, null)
}

function retrieveBatch(deps: BatchesDeps, exchange: Exchange): Reply {
  const batch = findBatch(deps, exchange)
  if (batch.createdMs + deps.options.current.quirks.retrieve_delay_ms > Date.now()) throw noSuchBatch(batch.id)
  deps.retrievals.set(batch.id, (deps.retrievals.get(batch.id) ?? 0) + 1)
  return json(wireBatch(batch, deps.runner, deps.options))
}

function cancelBatch(deps: BatchesDeps, exchange: Exchange): Reply {
  const batch = findBatch(deps, exchange)
  if (batch.status === 'validating' || batch.status === 'in_progress') deps.runner.cancel(batch)
  else if (batch.status !== 'cancelling' && batch.status !== 'cancelled') {
    // 409 and its text: https://github.com/BerriAI/litellm/blob/main/tests/batches_tests/test_openai_batches_and_files.py
    throw new ApiError(409, {
      message: `Cannot cancel a batch with status '${batch.status}'.`,
      type: 'invalid_request_error',
      param: null,
      code: null,
    })
  }
  return json(wireBatch(batch, deps.runner, deps.options))
}

function wireBatch(batch: StoredBatch, runner: BatchRunner, { current }: LiveOptions): WireBatch {
  const { times, bill } = batch
  const ended = isTerminal(batch.status)
  const { empty_string_file_ids: emptyIds, lying_counts: lying } = current.quirks
  const progress = runner.progress(batch)
  const lies = lying && (ended || batch.status === 'finalizing') && batch.status !== 'failed'
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    model: batch.model,
    errors: batch.errors === null ? null : { object: 'list', data: batch.errors },
    input_file_id: batch.inputFileId,
    completion_window: '24h',
    status: batch.status,
    output_file_id: batch.outputFileId ?? (emptyIds ? '' : null),
    error_file_id: batch.errorFileId ?? (emptyIds ? '' : null),
    created_at: Math.floor(batch.createdMs / 1000),
    in_progress_at: seconds(times.inProgress),
    expires_at: Math.floor(batch.expiresMs / 1000),
    finalizing_at: seconds(times.finalizing),
    completed_at: seconds(times.completed),
    failed_at: seconds(times.failed),
    expired_at: seconds(times.expired),
    cancelling_at: seconds(times.cancelling),
    cancelled_at: seconds(times.cancelled),
    request_counts: lies ? { total: batch.total, completed: batch.total, failed: 0 } : { total: batch.total, ...progress },
    usage:
      bill === null
        ? null
        : {
            input_tokens: bill.inputTokens,
            input_tokens_details: { cached_tokens: 0 },
            output_tokens: bill.outputTokens,
            output_tokens_details: { reasoning_tokens: bill.reasoningTokens },
            total_tokens: bill.inputTokens + bill.outputTokens,
          },
    metadata: batch.metadata,
  }
}

function seconds(timeMs: number | undefined): number | null {
  return timeMs === undefined ? null : Math.floor(timeMs / 1000)
}
