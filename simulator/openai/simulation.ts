import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { billSummary, sumBills } from '../batch-bill.ts'
import type { Books } from '../books.ts'
import { BodyTooLarge, type Reply } from '../exchange.ts'
import type { LiveOptions } from '../options.ts'
import type { BatchSummary, ProviderSimulation } from '../provider-simulation.ts'
import { createWebhookSender } from '../webhook-sender.ts'
import { createBatchRunner } from './batch-runner.ts'
import { batchRoutes } from './batches.ts'
import { ApiError, errorForStatus, invalidRequest, wrongKey } from './errors.ts'
import { fileRoutes } from './files.ts'
import { realtimeRoutes } from './realtime.ts'
import { isTerminal, openState, type OpenaiState, type StoredBatch } from './state.ts'
import { webhookEvent, webhookUserAgent } from './webhook-event.ts'

export interface SimulationDeps {
  readonly directory: string
  readonly options: LiveOptions
  readonly books: Books
}

/** How long failed webhooks are tried again: https://developers.openai.com/api/docs/guides/webhooks. */
const threeDaysMs = 3 * 86_400_000

/** OpenAI's files, batches and realtime endpoints. */
export function simulateOpenai({ directory, options, books }: SimulationDeps): ProviderSimulation {
  const filesDirectory = join(directory, 'files')
  mkdirSync(filesDirectory, { recursive: true })
  const pathOf = (fileId: string): string => join(filesDirectory, fileId)
  const state = openState(directory)
  removeStrayFiles(filesDirectory, state)
  const retrievals = new Map<string, number>()
  const webhooks = createWebhookSender({
    provider: 'openai',
    options,
    log: books.webhooks,
    receiver: (current) => ({
      url: current.openai_webhook_url,
      secret: current.openai_webhook_secret,
      triesForMs: current.webhook_retries_ms ?? threeDaysMs,
    }),
    headers: { 'user-agent': webhookUserAgent },
  })
  const runner = createBatchRunner({ state, books, options, directory, pathOf, webhooks })
  for (const batch of state.batches.values()) {
    const event = batch.announced ? webhookEvent(batch) : null
    if (event !== null) webhooks.send(event)
    else if (!isTerminal(batch.status)) runner.start(batch)
  }

  return {
    name: 'openai',
    prefix: '/openai/v1',
    requestIdHeader: 'x-request-id',
    routes: [
      ...fileRoutes({ state, options, pathOf }),
      ...batchRoutes({ state, options, runner, retrievals }),
      ...realtimeRoutes({ state, options, books }),
    ],
    keyOf(headers) {
      const header = headers['authorization']
      const match = typeof header === 'string' ? /^Bearer\s+(.+)$/i.exec(header) : null
      return match?.[1] ?? null
    },
    unauthorized: (key) => errorReply(wrongKey(key)),
    errorReply: (status, message) => ({ type: 'json', status, body: { error: errorForStatus(status, message) } }),
    replyToError(error) {
      if (error instanceof SyntaxError) return errorReply(invalidRequest('We could not parse the JSON body of your request.'))
      if (error instanceof BodyTooLarge) return errorReply(new ApiError(413, errorForStatus(413, error.message)))
      return error instanceof ApiError ? errorReply(error) : null
    },
    batches: () =>
      Array.from(state.batches.values(), (batch) =>
        summaryOf(batch, state, runner.progress(batch), retrievals.get(batch.id) ?? 0),
      ),
    files: () =>
      Array.from(state.files.values(), ({ id, key, filename, purpose, bytes, createdMs }) => ({
        provider: 'openai',
        id,
        key,
        filename,
        purpose,
        bytes,
        created_at: new Date(createdMs).toISOString(),
      })),
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

function errorReply({ status, error, headers }: ApiError): Reply {
  return { type: 'json', status, body: { error }, headers }
}

/** What an upload or a batch left behind when the process was killed in the middle of it. */
function removeStrayFiles(directory: string, state: OpenaiState): void {
  const inputs = new Set(
    [...state.batches.values()].filter((batch) => !isTerminal(batch.status)).map((batch) => batch.inputFileId),
  )
  for (const name of readdirSync(directory))
    if (!state.files.has(name) && !inputs.has(name)) rmSync(join(directory, name), { force: true })
}

function summaryOf(
  batch: StoredBatch,
  state: OpenaiState,
  progress: { completed: number; failed: number },
  retrieved: number,
): BatchSummary {
  const { times, bill } = batch
  const endedMs = times.completed ?? times.failed ?? times.expired ?? times.cancelled
  return {
    provider: 'openai',
    id: batch.id,
    key: batch.key,
    status: batch.status,
    endpoint: batch.endpoint,
    model: batch.model,
    input_file_id: batch.inputFileId,
    input_filename: state.files.get(batch.inputFileId)?.filename ?? null,
    metadata: batch.metadata,
    created_at: new Date(batch.createdMs).toISOString(),
    ended_at: endedMs === undefined ? null : new Date(endedMs).toISOString(),
    total: batch.total,
    finished: progress.completed + progress.failed,
    failed: progress.failed,
    retrieved,
    ...billSummary(bill),
  }
}
