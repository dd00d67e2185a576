import { mkdirSync } from 'node:fs'
import { billSummary, sumBills } from '../batch-bill.ts'
import type { Books } from '../books.ts'
import { BodyTooLarge, type Reply } from '../exchange.ts'
import type { LiveOptions } from '../options.ts'
import type { BatchSummary, FileSummary, ProviderSimulation, Route } from '../provider-simulation.ts'
import { createWebhookSender } from '../webhook-sender.ts'
import { createBatchFiles } from './batch-files.ts'
import { createBatchRunner } from './batch-runner.ts'
import { batchRoutes } from './batches.ts'
import { errorForStatus, GeminiError, invalidArgument, wireError, wrongKey } from './errors.ts'
import { fileRoutes } from './files.ts'
import { realtimeRoutes } from './realtime.ts'
import { isOver, openState, type StoredBatch, type StoredFile } from './state.ts'
import { batchName, fileName } from './ids.ts'
import { uploadRoutes } from './uploads.ts'
import { webhookEvent } from './webhook-event.ts'

export interface SimulationDeps {
  readonly directory: string
  readonly options: LiveOptions
  readonly books: Books
}

/** How long failed webhooks are tried again: https://ai.google.dev/gemini-api/docs/webhooks. */
const oneDayMs = 86_400_000

/** The Gemini Developer API's files, batches and models. */
export function simulateGemini({ directory, options, books }: SimulationDeps): ProviderSimulation {
  mkdirSync(directory, { recursive: true })
  const state = openState(directory)
  const files = createBatchFiles(directory, () => state)
  files.removeStrays()
  const retrievals = new Map<string, number>()
  const webhooks = createWebhookSender({
    provider: 'gemini',
    options,
    log: books.webhooks,
    receiver: (current) => ({
      url: current.gemini_webhook_url,
      secret: current.gemini_webhook_secret,
      triesForMs: current.webhook_retries_ms ?? oneDayMs,
    }),
  })
  const runner = createBatchRunner({ state, books, options, directory, files, webhooks })
  for (const batch of state.batches.values()) {
    const event = batch.announced ? webhookEvent(batch) : null
    if (event !== null) webhooks.send(event)
    else if (!isOver(batch)) runner.start(batch)
  }
  const pathOf = (fileId: string): string => files.pathOf(fileId)

  return {
    name: 'gemini',
    prefix: '/gemini',
    routes: [
      ...uploadRoutes({ state, options, pathOf }),
      ...fileRoutes({ state, options, pathOf }),
      ...batchRoutes({ state, options, runner, files, retrievals }),
      ...realtimeRoutes({ state, options, books }),
    ].flatMap(inEveryVersion),
    // The API has no number for a call that a person could name; this one is for reading the simulator's log.
    requestIdHeader: 'x-simulator-request-id',
    keyOf(headers, url) {
      const own = headers['x-goog-api-key']
      if (typeof own === 'string' && own !== '') return own
      const given = url.searchParams.get('key')
      return given === '' ? null : given
    },
    unauthorized: (key) => errorReply(wrongKey(key)),
    saysRetryInBody: true,
    errorReply: (status, message, retryAfter) => errorReply(errorForStatus(status, message, retryAfter)),
    replyToError(error) {
      if (error instanceof BodyTooLarge) return errorReply(invalidArgument(error.message))
      return error instanceof GeminiError ? errorReply(error) : null
    },
    batches: () =>
      Array.from(state.batches.values(), (batch) =>
        summaryOf(batch, state.files, runner.finished(batch), retrievals.get(batch.id) ?? 0),
      ),
    files: () => Array.from(state.files.values(), fileSummary),
    load: () => ({
      in_flight_batches: { ...runner.inFlight },
      enqueued_tokens: Object.fromEntries(Array.from(runner.enqueuedTokens, ([name, load]) => [name, { ...load }])),
    }),
    batchBill: () => sumBills(state.batches.values()),
    wake() {
      runner.wakeAll()
      webhooks.wake()
    },
    async close() {
      await runner.close()
      await webhooks.close()
      state.close()
    },
  }
}

/** The SDK asks for v1 since its version 3, all guides for v1beta. */
function inEveryVersion(route: Route): Route[] {
  return ['v1beta', 'v1', 'v1alpha'].map((version) => ({ ...route, path: route.path.replace('/v1beta/', `/${version}/`) }))
}

function errorReply(error: GeminiError): Reply {
  return { type: 'json', status: error.status, body: wireError(error), headers: error.headers }
}

function fileSummary({ id, key, displayName, mimeType, bytes, createdMs }: StoredFile): FileSummary {
  return {
    provider: 'gemini',
    id: fileName(id),
    key,
    filename: displayName ?? '',
    purpose: mimeType,
    bytes,
    created_at: new Date(createdMs).toISOString(),
  }
}

function summaryOf(
  batch: StoredBatch,
  files: ReadonlyMap<string, StoredFile>,
  finished: number,
  retrieved: number,
): BatchSummary {
  const { inputFileId, displayName } = batch
  return {
    provider: 'gemini',
    id: batchName(batch.id),
    key: batch.key,
    status: batch.state,
    endpoint: batch.method,
    model: batch.model,
    input_file_id: inputFileId === null ? null : fileName(inputFileId),
    input_filename: files.get(inputFileId ?? '')?.displayName ?? null,
    metadata: displayName === null ? null : { displayName },
    created_at: new Date(batch.createdMs).toISOString(),
    ended_at: batch.endedMs === null ? null : new Date(batch.endedMs).toISOString(),
    total: batch.total,
    finished,
    failed: batch.counts?.failed ?? 0,
    retrieved,
    ...billSummary(batch.bill),
  }
}
