import type { IncomingMessage } from 'node:http'
import type { BillSummary } from './batch-bill.ts'
import type { Bill } from './books.ts'
import type { Exchange, Reply } from './exchange.ts'

export interface Route {
  /** The name that HTTP faults match, e.g. `batches.create`. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the provider's prefix; `:` leaves a part open, also before what it must end with: `/batches/:/cancel`, `/batches/::cancel`. */
  readonly path: string
  /** Where calls to one address differ in their headers only: whether this one is the route's. */
  readonly takes?: (request: IncomingMessage) => boolean
  /** Served without a key: its address is secret, and says whose it is. */
  readonly keyless?: boolean
  /** Makes something that costs or stays: each such call is kept in the books. */
  readonly creates?: boolean
  readonly handle: (exchange: Exchange) => Promise<Reply> | Reply
}

/** What the books tell of a batch. */
export interface BatchSummary extends BillSummary {
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
  /** Made by the control endpoint as somebody else's: in no bill. */
  readonly foreign?: true
}

/** Batches of somebody else that look like one of the caller's. */
export interface LookAlikes {
  readonly count: number
  /** The batch that they resemble: same key, same number of requests, same minute. */
  readonly batchId: string | null
  /** Without a batch to resemble: whose they seem to be, and how big they are. */
  readonly key: string | null
  readonly requests: number
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
  /** Where it is mounted, and what an SDK takes as base URL: `/openai/v1`. */
  readonly prefix: string
  readonly routes: readonly Route[]
  /** The header in which it gives each call a number. */
  readonly requestIdHeader: string
  /** Puts the number of the call into a body that shows it. */
  identify?(body: unknown, requestId: string): unknown
  /** The API key of a call; null if it carries none. */
  keyOf(headers: NodeJS.Dict<string | string[]>, url: URL): string | null
  /** The reply to a call with no key, or a wrong one. */
  unauthorized(key: string | null): Reply
  /** An error in the provider's own shape: for HTTP faults, unknown routes and the like. The third is what a `retry-after` would say. */
  errorReply(status: number, message?: string, retryAfterSeconds?: string): Reply
  /** It says when to ask again in the body of an error, and has no `retry-after`. */
  readonly saysRetryInBody?: boolean
  /** The reply to what a handler threw; null if it isn't the provider's. */
  replyToError(error: unknown): Reply | null
  batches(): BatchSummary[]
  files(): FileSummary[]
  load(): LoadSummary
  batchBill(): Bill
  /** Makes them and resolves to their ids. Throws an Error with one line for a person. Absent where nobody needs them. */
  makeLookAlikes?(wanted: LookAlikes): Promise<string[]>
  /** Options changed. */
  wake(): void
  close(): Promise<void>
}
