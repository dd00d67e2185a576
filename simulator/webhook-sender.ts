import type { LiveOptions, RuntimeOptions } from './options.ts'
import type { WebhookAttempt, WebhookDelivery, WebhookLog } from './webhook-log.ts'
import { webhookHeaders } from './webhook-signature.ts'

/** What a receiver is told of a batch that ended. All of it follows from the batch, so that it is the same after a restart. */
export interface WebhookEvent {
  /** The header `webhook-id`. */
  readonly id: string
  readonly type: string
  readonly batchId: string
  readonly endedMs: number
  readonly body: string
}

export interface WebhookReceiver {
  /** Null: nobody is to be told. */
  readonly url: string | null
  readonly secret: string
  /** How long it is tried again after a failure. */
  readonly triesForMs: number
}

export interface WebhookSender {
  /** Whether somebody is to be told of a batch that ends now. To be written down with its end, so that a kill right behind it loses nothing. */
  isWanted(): boolean
  /** Returns at once; what comes of it is in the books. An event that was sent before is carried on, or left alone if it is done. */
  send(event: WebhookEvent): void
  /** Options changed. */
  wake(): void
  /** Stops where it is; the next start of the same data directory goes on. */
  close(): Promise<void>
}

export interface WebhookSenderDeps {
  readonly provider: string
  readonly options: LiveOptions
  readonly log: WebhookLog
  readonly receiver: (options: RuntimeOptions) => WebhookReceiver
  readonly headers?: Readonly<Record<string, string>>
}

/** "Within a few seconds" is all that the providers say: https://developers.openai.com/api/docs/guides/webhooks. */
const answerWithinMs = 15_000
const longestTimerMs = 2_000_000_000

/** Tells a provider's receiver of ended batches, again with growing pauses while it doesn't take it. No batch ever waits for it. */
export function createWebhookSender({ provider, options, log, receiver, headers = {} }: WebhookSenderDeps): WebhookSender {
  const stopping = new AbortController()
  const underWay = new Map<string, Promise<void>>()
  const waiting = new Set<() => void>()

  const dueMs = ({ created_at: createdAt, attempts }: WebhookDelivery): number => {
    const last = attempts.at(-1)
    if (last === undefined) return Date.parse(createdAt)
    return Date.parse(last.at) + options.current.webhook_pause_ms * 2 ** (attempts.length - 1)
  }
  const isTooLate = (delivery: WebhookDelivery): boolean =>
    delivery.attempts.length > 0 && dueMs(delivery) > Date.parse(delivery.created_at) + receiver(options.current).triesForMs

  async function carry(event: WebhookEvent, delivery: WebhookDelivery): Promise<void> {
    while (delivery.status === 'pending') {
      await waitUntil(() => (isTooLate(delivery) ? 0 : dueMs(delivery)))
      if (stopping.signal.aborted) return
      const { url } = receiver(options.current)
      // Its endpoint was removed, or it has been tried for long enough.
      if (url === null || isTooLate(delivery)) log.giveUp(event.id)
      else await attempt(event, url)
    }
  }

  async function attempt(event: WebhookEvent, url: string): Promise<void> {
    const outcome = await post(event, url)
    if (outcome === null) return
    log.attempted(event.id, outcome)
    if (outcome.status === null || outcome.status >= 300) return
    for (let copy = 0; copy < options.current.quirks.repeated_webhooks; copy++) {
      const again = await post(event, url)
      if (again !== null) log.attempted(event.id, again)
    }
  }

  /** Null: the simulator stopped meanwhile; whether it arrived nobody knows, and it is sent again. */
  async function post(event: WebhookEvent, url: string): Promise<WebhookAttempt | null> {
    const now = Date.now()
    const made = { at: new Date(now).toISOString(), url }
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: event.body,
        headers: {
          ...headers,
          'content-type': 'application/json',
          ...webhookHeaders(event, receiver(options.current).secret, now),
        },
        redirect: 'manual',
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(answerWithinMs)]),
      })
      await response.body?.cancel()
      return { ...made, status: response.status, error: null }
    } catch (error) {
      return stopping.signal.aborted ? null : { ...made, status: null, error: reasonOf(error) }
    }
  }

  async function waitUntil(due: () => number): Promise<void> {
    for (;;) {
      const left = due() - Date.now()
      if (left <= 0 || stopping.signal.aborted) return
      await new Promise<void>((resolve) => {
        const goOn = (): void => {
          clearTimeout(timer)
          waiting.delete(goOn)
          resolve()
        }
        const timer = setTimeout(goOn, Math.min(left, longestTimerMs))
        waiting.add(goOn)
      })
    }
  }

  const wake = (): void => {
    for (const goOn of waiting) goOn()
  }

  return {
    isWanted: () => receiver(options.current).url !== null,
    send(event) {
      if (underWay.has(event.id) || stopping.signal.aborted) return
      const { id, type, batchId, endedMs } = event
      const delivery = log.open({ provider, id, type, batch_id: batchId, created_at: new Date(endedMs).toISOString() })
      const done = carry(event, delivery)
        .catch((error: unknown) => {
          process.stderr.write(`simulator: webhook ${id}: ${error instanceof Error ? error.stack : String(error)}\n`)
        })
        .finally(() => underWay.delete(id))
      underWay.set(id, done)
    },
    wake,
    async close() {
      stopping.abort()
      wake()
      await Promise.all(underWay.values())
    },
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message
}
