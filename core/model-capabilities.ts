import type { Endpoint } from './job-spec.ts'

/** What a model takes; an unknown model is taken to be able to do everything, and the provider decides. */
export interface ModelCapabilities {
  readonly known: boolean
  /** A reasoning model: no temperature, top_p, stop or tool_choice; `max_completion_tokens`. */
  readonly reasoning: boolean
  readonly structuredOutput: boolean
  readonly tools: boolean
  readonly images: boolean
  readonly files: boolean
  readonly embeddings: boolean
  /** Where it can be called, the preferred endpoint first. Null: not known. */
  readonly endpoints: readonly Endpoint[] | null
  readonly maxOutputTokens: number | null
  readonly contextTokens: number | null
}
