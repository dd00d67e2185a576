import type { BilledRequest } from './books.ts'
import { costNanoDollars, type Price } from './prices.ts'
import type { Usage } from './usage.ts'

export interface RequestToBill {
  readonly provider: string
  readonly key: string
  /** Null for a realtime call. */
  readonly batch: { readonly id: string; readonly customId: string } | null
  readonly fingerprint: string
  readonly endpoint: string
  readonly model: string
  readonly price: Price | null
  /** The status of a refusal; null if there was an answer, or none at all. */
  readonly refusedStatus: number | null
  /** Null if nothing was executed: then it costs nothing. */
  readonly usage: Usage | null
  readonly delivered: boolean
  readonly fault: string | null
}

/** One executed request as it goes into the books; a batch at half price. */
export function billedRequest(request: RequestToBill): BilledRequest {
  const { provider, key, batch, fingerprint, endpoint, model, price, refusedStatus, usage, delivered, fault } = request
  return {
    provider,
    via: batch === null ? 'realtime' : 'batch',
    key,
    batch_id: batch?.id ?? null,
    custom_id: batch?.customId ?? null,
    fingerprint,
    endpoint,
    model,
    status_code: refusedStatus ?? (usage === null ? 0 : 200),
    billed: usage !== null,
    delivered,
    input_tokens: usage?.inputTokens ?? 0,
    output_tokens: usage?.outputTokens ?? 0,
    reasoning_tokens: usage?.reasoningTokens ?? 0,
    ...(usage?.cache === undefined
      ? {}
      : {
          cache_creation_input_tokens: usage.cache.written5mTokens + usage.cache.written1hTokens,
          cache_read_input_tokens: usage.cache.readTokens,
        }),
    cost_nano_usd: String(
      usage === null ? 0n : costNanoDollars(price, usage.inputTokens, usage.outputTokens, batch !== null, usage.cache),
    ),
    fault,
  }
}
