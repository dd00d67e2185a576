/** Tokens that a prompt cache took in or gave back; they are not among the input tokens. */
export interface CacheUsage {
  readonly written5mTokens: number
  readonly written1hTokens: number
  readonly readTokens: number
}

export const nothingCached: CacheUsage = { written5mTokens: 0, written1hTokens: 0, readTokens: 0 }

export interface Usage {
  readonly inputTokens: number
  /** Reasoning included. */
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** Only where the provider's cache has to be asked for and costs of its own. */
  readonly cache?: CacheUsage
}
