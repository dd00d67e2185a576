import type { Endpoint } from './job-spec.ts'

/** What a model takes; an unknown model is taken to be able to do everything, and the provider decides. */
export interface ModelCapabilities {
  readonly known: boolean
  /**
   * OpenAI's reasoning models: no temperature, top_p, stop or tool_choice; `max_completion_tokens`. Claude's: no temperature, top_p or top_k. Gemini's: these
   * are ignored.
   */
  readonly reasoning: boolean
  /** The levels of `reasoning_effort` that it takes, lowest first. Absent: not known. */
  readonly efforts?: readonly string[]
  /** It thinks only when it is told to (Claude 4.6 to 4.8). */
  readonly thinksOnRequest?: boolean
  /** It is told in tokens how much to think (Gemini 2.5), and takes this many. */
  readonly thinkingBudget?: { readonly least: number; readonly most: number }
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

export const unknownModel: ModelCapabilities = {
  known: false,
  reasoning: false,
  structuredOutput: true,
  tools: true,
  images: true,
  files: true,
  embeddings: true,
  endpoints: null,
  maxOutputTokens: null,
  contextTokens: null,
}
