import type OpenAI from 'openai'

/**
 * The SDK's response types as they look on the wire: what the SDK calls optional is sent as null. Every field is required, so that a field that a new
 * version of the SDK adds fails the type check here.
 */
export type OnTheWire<T> = { [Key in keyof T]-?: undefined extends T[Key] ? Exclude<T[Key], undefined> | null : T[Key] }

export type WireBatch = Omit<OnTheWire<OpenAI.Batch>, 'errors'> & {
  errors: { object: 'list'; data: OnTheWire<OpenAI.BatchError>[] } | null
}
/** Seen from the live API: `expires_at` and `status_details` are null, not absent (https://github.com/BerriAI/litellm/pull/37527). */
export type WireFile = OnTheWire<OpenAI.FileObject>
export type WireResponse = Omit<OpenAI.Responses.Response, 'output_text'>

export interface WireList<T> {
  readonly object: 'list'
  readonly data: readonly T[]
  readonly first_id: string | null
  readonly last_id: string | null
  readonly has_more: boolean
}

export interface WireError {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

/** The endpoints that can be called, alone or in a batch. */
export const endpoints = ['/v1/chat/completions', '/v1/responses', '/v1/embeddings'] as const
export type Endpoint = (typeof endpoints)[number]

export function isEndpoint(value: unknown): value is Endpoint {
  return endpoints.some((endpoint) => endpoint === value)
}
