import type { Json, JsonObject } from '../core/json.ts'

/**
 * One part of a message. Images and files are given by an http or https address, or as base64 with their media type, in lower case and without parameters. Data URLs
 * and other charsets than UTF-8, where the line names one, are gone by then.
 */
export type ContentPart =
  | { type: 'text'; text: string }
  | { type: 'image'; url: string }
  | { type: 'image'; data: string; media_type: string }
  | { type: 'file'; url: string; name?: string }
  | { type: 'file'; data: string; media_type: string; name?: string }

export interface ToolCall {
  id: string
  name: string
  /** As the model wrote it; not every model writes valid JSON. */
  arguments: string
}

export type Message =
  | { role: 'system' | 'user'; content: string | ContentPart[] }
  | { role: 'assistant'; content: string | ContentPart[]; tool_calls?: ToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string }

export interface Tool {
  name: string
  description?: string
  parameters?: JsonObject
}

export interface GenerateRequest {
  kind: 'generate'
  messages: Message[]
  max_tokens?: number
  temperature?: number
  top_p?: number
  stop?: string[]
  /** JSON Schema of the answer. */
  schema?: JsonObject
  tools?: Tool[]
  reasoning_effort?: string
}

export interface EmbedRequest {
  kind: 'embed'
  input: string
  /** How many numbers; else as many as the model makes. */
  dimensions?: number
}

/** What an item asks for, in no provider's terms. `provider_options` are merged into the body of the provider they name. */
export type CanonicalRequest = (GenerateRequest | EmbedRequest) & { provider_options?: Record<string, JsonObject> }

/** A line in a provider's own format, whose body goes to that provider untouched (but for the model, where the job sets one). */
export interface NativeRequest {
  kind: 'native'
  format: 'openai' | 'anthropic' | 'gemini'
  /** For example `/v1/chat/completions`. */
  endpoint: string
  /** `body` of OpenAI's line, `params` of Anthropic's, `request` of Gemini's. */
  body: JsonObject
}

export type ItemRequest = CanonicalRequest | NativeRequest

/** One parsed input line. */
export interface ParsedLine {
  customId: string | null
  /** The user's own data, returned with the result. */
  metadata: Json | null
  request: ItemRequest
}
