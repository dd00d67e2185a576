import type { ErrorClass } from '../core/error-classes.ts'
import type { Json } from '../core/json.ts'
import type { Usage } from '../core/money.ts'
import type { ToolCall } from './canonical-request.ts'

export const finishReasons = ['stop', 'length', 'refusal', 'content_filter', 'tool_calls'] as const
export type FinishReason = (typeof finishReasons)[number]

/** What a model said. */
export interface AnswerContent {
  text: string | null
  /** The parsed JSON of a structured answer, set once it is checked against its schema. */
  output: Json | null
  toolCalls: ToolCall[]
  embedding: number[] | null
}

export interface AnswerError {
  class: ErrorClass
  /** The provider's own code, or ours where the provider gives none. */
  code: string
  message: string
  httpStatus: number | null
  requestId: string | null
  /** The request parameter that the provider names as the culprit. */
  parameter: string | null
}

/** A provider's answer to one request: either content or an error, and always what it used. */
export interface CanonicalAnswer {
  content: AnswerContent | null
  error: AnswerError | null
  finishReason: FinishReason | null
  usage: Usage
  /** The model that answered, with its dated version where the provider tells. */
  model: string | null
}

/** One line of a batch's results. */
export interface ProviderResult {
  /** The id as the provider wrote it; null when the line has none. `parseItemId` alone decides whose it is. */
  itemId: string | null
  answer: CanonicalAnswer
  /** The line as received. */
  raw: string
}
