import type { Bill } from './books.ts'
import type { Exchange, Reply } from './exchange.ts'

export interface Route {
  /** The name that HTTP faults match, e.g. `batches.create`. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the provider's prefix; `:` leaves a part open: `/batches/:/cancel`. */
  readonly path: string
  /** Makes something that costs or stays: each such call is kept in the books. */
  readonly creates?: boolean
  readonly handle: (exchange: Exchange) => Promise<Reply> | Reply
}

/** What the books tell of a batch. */
export interface BatchSummary {
  readonly provider: string
  readonly id: string
  readonly key: string
  readonly status: string
  readonly endpoint: string
  readonly model: string | null
  readonly input_file_id: string | null
  readonly input_filename: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly created_at: string
  readonly ended_at: string | null
  readonly total: number
  readonly finished: number
  readonly failed: number
  /** How often it was asked for by id since the simulator started. */
  readonly retrieved: number
  readonly billed_requests: number
  readonly delivered_requests: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cost_nano_usd: string
  readonly delivered_cost_nano_usd: string
}

export interface FileSummary {
  readonly provider: string
  readonly id: string
  readonly key: string
  readonly filename: string
  readonly purpose: string
  readonly bytes: number
  readonly created_at: string
}

export interface LoadSummary {
  readonly in_flight_batches: { readonly current: number; readonly peak: number }
  /** By `<key>/<model>`. */
  readonly enqueued_tokens: Readonly<Record<string, { readonly current: number; readonly peak: number }>>
}

/** One simulated provider: a folder that implements this is all that a new provider takes. */
export interface ProviderSimulation {
  readonly name: string
  /** Where it is mounted: `/openai/v1`. */
  readonly prefix: string
  readonly routes: readonly Route[]
  /** The API key of a call; null if it carries none. */
  keyOf(headers: NodeJS.Dict<string | string[]>): string | null
  /** The reply to a call with no key, or a wrong one. */
  unauthorized(key: string | null): Reply
  /** An error in the provider's own shape: for HTTP faults, unknown routes and the like. */
  errorReply(status: number, message?: string): Reply
  /** The reply to what a handler threw; null if it isn't the provider's. */
  replyToError(error: unknown): Reply | null
  batches(): BatchSummary[]
  files(): FileSummary[]
  load(): LoadSummary
  batchBill(): Bill
  /** Options changed. */
  wake(): void
  close(): Promise<void>
}
