import type OpenAI from 'openai'
import { hashHex } from '../random.ts'
import type { WebhookEvent } from '../webhook-sender.ts'
import { isTerminal, type StoredBatch } from './state.ts'

type BatchEvent = Extract<OpenAI.Webhooks.UnwrapWebhookEvent, { type: `batch.${string}` }>

/** https://developers.openai.com/api/docs/guides/webhooks shows it with every event. */
export const webhookUserAgent = 'OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)'

/** What a project's endpoint is told of a batch that ended; null while it hasn't. */
export function webhookEvent({ id, status, times }: StoredBatch): WebhookEvent | null {
  if (!isTerminal(status)) return null
  const endedMs = times[status] ?? 0
  const event: Required<BatchEvent> = {
    id: `evt_${hashHex(`${id}:event`, 32)}`,
    object: 'event',
    created_at: Math.floor(endedMs / 1000),
    type: `batch.${status}`,
    data: { id },
  }
  return { id: `wh_${hashHex(`${id}:webhook`, 32)}`, type: event.type, batchId: id, endedMs, body: JSON.stringify(event) }
}
