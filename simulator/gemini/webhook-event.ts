import { hashHex } from '../random.ts'
import type { WebhookEvent } from '../webhook-sender.ts'
import { batchName, fileName, resultsFileId } from './ids.ts'
import type { StoredBatch } from './state.ts'

/** https://ai.google.dev/gemini-api/docs/webhooks: "thin", with the batch and where its results are, never the results. The SDK has no type for it. */
interface BatchEvent {
  readonly type: string
  readonly version: 'v1'
  readonly timestamp: string
  readonly data: {
    readonly id: string
    /** Only of a batch whose results are in a file. */
    readonly output_file_uri?: string
    readonly error_code?: number
    readonly error_message?: string
  }
}

/** What a project's endpoint is told of a batch that ended; null if it is told nothing of it. */
export function webhookEvent(batch: StoredBatch): WebhookEvent | null {
  const type = eventType(batch)
  if (type === null) return null
  const endedMs = batch.endedMs ?? 0
  const id = batchName(batch.id)
  const event: BatchEvent = {
    type,
    version: 'v1',
    timestamp: new Date(endedMs).toISOString(),
    data: { id, ...detailsOf(batch) },
  }
  return { id: `msg_${hashHex(`${batch.id}:webhook`, 32)}`, type, batchId: id, endedMs, body: JSON.stringify(event) }
}

function eventType({ state }: StoredBatch): string | null {
  switch (state) {
    case 'BATCH_STATE_SUCCEEDED':
      return 'batch.succeeded'
    case 'BATCH_STATE_FAILED':
      return 'batch.failed'
    case 'BATCH_STATE_EXPIRED':
      return 'batch.expired'
    // The guide has a `batch.cancelled`, the events that an endpoint can subscribe to (`subscribed_events` in the SDK) have not.
    case 'BATCH_STATE_CANCELLED':
    case 'BATCH_STATE_PENDING':
    case 'BATCH_STATE_RUNNING':
      return null
  }
}

function detailsOf(batch: StoredBatch): Omit<BatchEvent['data'], 'id'> {
  if (batch.state === 'BATCH_STATE_SUCCEEDED')
    return batch.resultsInline ? {} : { output_file_uri: fileName(resultsFileId(batch.id)) }
  return batch.state === 'BATCH_STATE_FAILED' && batch.error !== null
    ? { error_code: batch.error.code, error_message: batch.error.message }
    : {}
}
