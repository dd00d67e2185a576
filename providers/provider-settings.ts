/** One configured provider, as the registry gets it from the configuration and the environment. */
export interface ProviderSettings {
  /** `openai`, or the name that the user gave to an endpoint that speaks the same protocol. */
  readonly name: string
  readonly kind: 'openai'
  /** Null: not configured; its jobs are refused. */
  readonly apiKey: string | null
  /** Null: the provider's own address. */
  readonly baseUrl: string | null
  readonly simulated: boolean
  /** Below the provider's own limits. */
  readonly maxBatchRequests?: number
  /** Of the input file, in bytes. */
  readonly maxBatchBytes?: number
  /** The enqueued-token budget of a model, as the provider's limits page shows it for the account. */
  readonly enqueuedTokens?: Readonly<Record<string, number>>
  readonly timeouts?: Partial<ProviderTimeouts>
}

/** How long one call may take, in milliseconds. */
export interface ProviderTimeouts {
  readonly uploadMs: number
  readonly createMs: number
  /** Every other call, until the first byte of its answer; a download may then take as long as bytes keep coming. */
  readonly readMs: number
  readonly realtimeMs: number
}

export const defaultTimeouts: ProviderTimeouts = {
  uploadMs: 15 * 60_000,
  createMs: 60_000,
  readMs: 30_000,
  realtimeMs: 10 * 60_000,
}
