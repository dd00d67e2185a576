import { openRecorder } from './journal.ts'

export interface WebhookAttempt {
  readonly at: string
  readonly url: string
  /** Null: nobody answered. */
  readonly status: number | null
  readonly error: string | null
}

/** The news of one ended batch, and what became of it: a line of `webhooks` in the books. */
export interface WebhookDelivery {
  readonly provider: string
  /** The header `webhook-id`. */
  readonly id: string
  readonly type: string
  readonly batch_id: string
  readonly created_at: string
  status: 'pending' | 'delivered' | 'given_up'
  readonly attempts: WebhookAttempt[]
}

export type NewDelivery = Omit<WebhookDelivery, 'status' | 'attempts'>

type Entry =
  | { readonly type: 'due'; readonly delivery: NewDelivery }
  | { readonly type: 'attempted'; readonly id: string; readonly attempt: WebhookAttempt }
  | { readonly type: 'given_up'; readonly id: string }

export interface WebhookLog {
  /** The delivery of this id: a new one, or the one that there is. */
  open(delivery: NewDelivery): Readonly<WebhookDelivery>
  attempted(id: string, attempt: WebhookAttempt): void
  giveUp(id: string): void
  deliveries(): Iterable<Readonly<WebhookDelivery>>
  close(): void
}

/** Every delivery with its attempts, in a journal: after a kill they go on where they were, under the same ids. */
export function openWebhookLog(path: string): WebhookLog {
  const deliveries = new Map<string, WebhookDelivery>()
  const journal = openRecorder<Entry>(path, (entry) => {
    if (entry.type === 'due') {
      deliveries.set(entry.delivery.id, { ...entry.delivery, status: 'pending', attempts: [] })
      return
    }
    const delivery = deliveries.get(entry.id)
    if (delivery === undefined) return
    if (entry.type === 'given_up') delivery.status = 'given_up'
    else {
      delivery.attempts.push(entry.attempt)
      if (isTaken(entry.attempt)) delivery.status = 'delivered'
    }
  })
  return {
    open(delivery) {
      if (!deliveries.has(delivery.id)) journal.record({ type: 'due', delivery })
      const opened = deliveries.get(delivery.id)
      if (opened === undefined) throw new Error('the delivery was not recorded')
      return opened
    },
    attempted: (id, attempt) => journal.record({ type: 'attempted', id, attempt }),
    giveUp: (id) => journal.record({ type: 'given_up', id }),
    deliveries: () => deliveries.values(),
    close: () => journal.close(),
  }
}

/** Any 2xx; a redirection is a refusal, too. */
function isTaken({ status }: WebhookAttempt): boolean {
  return status !== null && status >= 200 && status < 300
}
