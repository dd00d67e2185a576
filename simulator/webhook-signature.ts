import { createHmac } from 'node:crypto'

/** The secret of an endpoint for which none is given. */
export const standardWebhookSecret = 'whsec_c2ltdWxhdGVkIHdlYmhvb2sgc2VjcmV0ISE='

export interface SignedMessage {
  /** The same in every attempt: what a receiver knows a repetition by. */
  readonly id: string
  readonly body: string
}

/**
 * The headers of one attempt (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): the time is that of the attempt, because a
 * receiver refuses what is older than five minutes.
 */
export function webhookHeaders({ id, body }: SignedMessage, secret: string, atMs: number): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000))
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
