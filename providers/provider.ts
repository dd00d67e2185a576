import type { ProviderKind } from '../core/provider-kind.ts'
import type { BatchLimits } from '../core/splitting.ts'
import type { TokenPrices } from '../core/money.ts'
import type { CanonicalAnswer, ProviderResult } from '../formats/canonical-answer.ts'
import type { ItemRequest } from '../formats/canonical-request.ts'
import type { JobDefaults, RenderedRequest, Revision } from '../formats/rendering.ts'

/** A batch as its provider describes it, normalised; `rawStatus` keeps the provider's own word beside ours. */
export interface ProviderBatch {
  readonly id: string
  readonly status: 'in_progress' | 'cancelling' | 'completed' | 'failed' | 'expired' | 'cancelled'
  readonly rawStatus: string
  /** What we can tell a batch of ours by: OpenAI's `input_file_id`, Gemini's `displayName` (`Provider.marker`). Null: nothing but its count and its time (Anthropic). */
  readonly marker: string | null
  /**
   * Reported progress; null where the provider reports none. Not to be trusted, at the end least of all. Anthropic reports nothing as done before the
   * whole batch has ended, but `total` is there from the start.
   */
  readonly counts: { readonly done: number; readonly failed: number; readonly total: number } | null
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly endedAt: Date | null
  /** Files to read results from and to delete afterwards (for Anthropic the address of the results, for a batch of Gemini's that has them in itself its own name); empty strings and nulls are already left out. */
  readonly resultFileIds: readonly string[]
  readonly inputFileId: string | null
  /** Why the provider refused the batch whole. */
  readonly refusal: BatchRefusal | null
}

/** A batch refused whole. */
export interface BatchRefusal {
  readonly code: string
  readonly message: string
  /** `enqueued_tokens`: back to admission, costs no round. `input`: the lines are at fault. `auth`, `other`: as they say. */
  readonly kind: 'enqueued_tokens' | 'input' | 'auth' | 'other'
  /** With `enqueued_tokens`: the limit that the provider names. */
  readonly tokenLimit?: number | null
  /** 1-based lines of the input file that the provider names, with its words. */
  readonly lines: ReadonlyArray<{ readonly line: number; readonly code: string; readonly message: string }>
}

export function isTerminalAtProvider(status: ProviderBatch['status']): boolean {
  return status !== 'in_progress' && status !== 'cancelling'
}

/** Results may appear this long after their batch is reported as ended: only then is it believed that there are none. */
export const resultsLagMs = 10 * 60_000

/** The code of a create that was refused for one of the lines that it carried: the others can be taken without it. */
export const refusedLinesCode = 'lines_refused'

/** The code of a batch or a create that is refused because too many tokens are enqueued for its model. */
export const tokenLimitCode = 'token_limit_exceeded'

/** How a failed call is to be taken. Thrown by every method that calls a provider. */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind
  readonly httpStatus: number | null
  /** The provider's own code. */
  readonly code: string | null
  readonly retryAfterMs: number | null
  /** Only for a create: the provider has certainly not created anything. */
  readonly certainlyNotApplied: boolean

  constructor(
    message: string,
    options: {
      kind: ProviderErrorKind
      httpStatus?: number | null
      code?: string | null
      retryAfterMs?: number | null
      certainlyNotApplied?: boolean
      cause?: unknown
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ProviderError'
    this.kind = options.kind
    this.httpStatus = options.httpStatus ?? null
    this.code = options.code ?? null
    this.retryAfterMs = options.retryAfterMs ?? null
    this.certainlyNotApplied = options.certainlyNotApplied ?? false
  }
}

/**
 * - `auth`: 401 or 403; a person must mend the key.
 * - `not_found`: 404 of a batch or file.
 * - `rate_limited`: 429.
 * - `invalid`: another 4xx; sending the same again is useless.
 * - `transient`: no answer, 408, 409, 5xx: worth trying again.
 * - `incomplete`: a download that ended before its verified end.
 */
export type ProviderErrorKind = 'auth' | 'not_found' | 'rate_limited' | 'invalid' | 'transient' | 'incomplete'

export interface UploadInput {
  readonly fileName: string
  /** The spool file: the provider's own lines. */
  readonly path: string
  readonly endpoint: string
  readonly signal: AbortSignal
}

export interface CreateInput {
  readonly inputFileId: string | null
  /** The spool file of the provider's own lines, where a batch is created with them instead of an uploaded file (Anthropic, small ones of Gemini). */
  readonly path?: string | null
  readonly endpoint: string
  readonly model: string
  /** Names the job, batch and attempt in the provider's own console; where `Provider.marker` is `display_name`, the batch is told by it. */
  readonly displayName: string
  /** Aborts the call at the submission's deadline. */
  readonly signal: AbortSignal
  /** Called right before the request leaves; throws when the deadline has passed (the process may have been stopped meanwhile). */
  readonly beforeSend: () => void
}

/**
 * One provider's batch API. Everything that differs between providers is behind this interface; everything that makes a job durable
 * is in front of it. Methods never retry a create; all take an AbortSignal or end by the provider's own timeout, and throw ProviderError.
 */
export interface Provider extends ProviderCalls {
  readonly name: string
  readonly kind: ProviderKind
  /** Its calls go to the simulator. */
  readonly simulated: boolean
  /** First 12 hex digits of the key's SHA-256: which key a batch was made with, without the key. */
  readonly keyFingerprint: string

  /** What a batch of ours is told by in its list (`ProviderBatch.marker`). Null: by nothing but its time and its number of requests. */
  readonly marker: 'input_file' | 'display_name' | null

  /** The batch limits of this provider for a model, with the configured overrides. */
  limits(model: string): BatchLimits
  prices(
    model: string,
    at: Date,
  ): { readonly realtime: TokenPrices; readonly batch: TokenPrices; readonly version: string } | null
  /** Pure. Throws a BatchwrightError that names the field when the request can't be expressed. */
  render(request: ItemRequest, defaults: JobDefaults, revision?: Revision): RenderedRequest
  /** The provider's own batch line, without a line end. */
  line(itemId: string, rendered: RenderedRequest): string
}

/** The calls of one provider, each to its API. */
export interface ProviderCalls {
  /** Uploads a spool file; null where the batch is created without one. */
  upload(input: UploadInput): Promise<{ inputFileId: string | null }>
  /** One single POST. */
  create(input: CreateInput): Promise<ProviderBatch>
  /** All batches back to `since`, completely: a page that can't be read throws. */
  list(since: Date, signal: AbortSignal): AsyncIterable<ProviderBatch>
  retrieve(id: string, signal: AbortSignal): Promise<ProviderBatch>
  /** Asks for cancellation; it takes effect later. A batch that is already terminal is no error. */
  cancel(id: string, signal: AbortSignal): Promise<void>
  /** Every line of every result file, in any order, with repeats as they are. Ends normally only after the verified end of each file. */
  results(batch: ProviderBatch, signal: AbortSignal): AsyncIterable<ProviderResult>
  /** Deletes files at the provider; one that is gone already is no error. */
  deleteFiles(fileIds: readonly string[], signal: AbortSignal): Promise<void>
  /** One realtime call of an already rendered request. */
  complete(rendered: RenderedRequest, signal: AbortSignal): Promise<CanonicalAnswer>
}
