import { mkdirSync } from 'node:fs'
import { billSummary, sumBills } from '../batch-bill.ts'
import type { Books } from '../books.ts'
import type { Reply } from '../exchange.ts'
import { isObject } from '../json.ts'
import type { LiveOptions } from '../options.ts'
import type { BatchSummary, ProviderSimulation } from '../provider-simulation.ts'
import { versionOf } from './api-version.ts'
import { createBatchFiles } from './batch-files.ts'
import { createBatchRunner } from './batch-runner.ts'
import { batchRoutes } from './batches.ts'
import { AnthropicError, errorForStatus, wireError } from './errors.ts'
import { makeLookAlikes } from './look-alikes.ts'
import { realtimeRoutes } from './realtime.ts'
import { openState, type StoredBatch } from './state.ts'

export interface SimulationDeps {
  readonly directory: string
  readonly options: LiveOptions
  readonly books: Books
}

/** Anthropic's messages, message batches and token counting. */
export function simulateAnthropic({ directory, options, books }: SimulationDeps): ProviderSimulation {
  mkdirSync(directory, { recursive: true })
  const files = createBatchFiles(directory)
  const state = openState(directory)
  files.removeStrays(
    (id) => state.batches.get(id)?.deleted === false,
    (id) => (state.batches.get(id)?.status ?? 'ended') !== 'ended',
  )
  const retrievals = new Map<string, number>()
  const runner = createBatchRunner({ state, books, options, directory, files })
  for (const batch of state.batches.values()) if (batch.status !== 'ended') runner.start(batch)
  const routes = [...batchRoutes({ state, options, runner, files, retrievals }), ...realtimeRoutes({ state, options, books })]

  return {
    name: 'anthropic',
    prefix: '/anthropic',
    routes: routes.map((route) => ({
      ...route,
      handle(exchange) {
        versionOf(exchange.request.headers)
        return route.handle(exchange)
      },
    })),
    requestIdHeader: 'request-id',
    identify: (body, requestId) =>
      isObject(body) && body['type'] === 'error' && body['request_id'] === null ? { ...body, request_id: requestId } : body,
    keyOf(headers) {
      // Both are taken; of both, the API uses x-api-key (https://qiita.com/Synthorai/items/01a0067e88747257a4e6).
      const { 'x-api-key': own, authorization } = headers
      if (typeof own === 'string' && own !== '') return own
      return typeof authorization === 'string' ? (/^Bearer\s+(.+)$/i.exec(authorization)?.[1] ?? null) : null
    },
    unauthorized: (key) => errorReply(errorForStatus(401, key === null ? 'x-api-key header is required' : undefined)),
    errorReply: (status, message) => errorReply(errorForStatus(status, message)),
    replyToError: (error) => (error instanceof AnthropicError ? errorReply(error) : null),
    batches: () =>
      Array.from(state.batches.values(), (batch) => summaryOf(batch, runner.finished(batch), retrievals.get(batch.id) ?? 0)),
    files: () => [],
    load: () => ({ in_flight_batches: { ...runner.inFlight }, enqueued_tokens: {} }),
    batchBill: () => sumBills([...state.batches.values()].filter(({ foreign }) => !foreign)),
    makeLookAlikes: (wanted) => makeLookAlikes({ state, options, runner, files }, wanted),
    wake: () => runner.wakeAll(),
    async close() {
      await runner.close()
      state.close()
    },
  }
}

function errorReply(error: AnthropicError): Reply {
  return { type: 'json', status: error.status, body: wireError(error), headers: error.headers }
}

function summaryOf(batch: StoredBatch, finished: number, retrieved: number): BatchSummary {
  return {
    provider: 'anthropic',
    id: batch.id,
    key: batch.key,
    status: batch.status,
    endpoint: '/v1/messages',
    model: batch.model,
    input_file_id: null,
    input_filename: null,
    metadata: null,
    created_at: new Date(batch.createdMs).toISOString(),
    ended_at: batch.endedMs === null ? null : new Date(batch.endedMs).toISOString(),
    total: batch.total,
    finished,
    failed: batch.counts?.errored ?? 0,
    retrieved,
    ...billSummary(batch.bill),
    ...(batch.foreign ? { foreign: true } : {}),
  }
}
