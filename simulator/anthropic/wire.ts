import type Anthropic from '@anthropic-ai/sdk'

/** The SDK's response types are what is on the wire: fields that a new version adds fail the type check here. */
export type WireBatch = Anthropic.Messages.MessageBatch
export type WireMessage = Anthropic.Messages.Message
export type ResultLine = Anthropic.Messages.Batches.MessageBatchIndividualResponse

/** What an error can be; the last two are documented (https://platform.claude.com/docs/en/api/errors) and not among the SDK's. */
export type ErrorKind = Anthropic.ErrorObject['type'] | 'conflict_error' | 'request_too_large'

/** https://platform.claude.com/docs/en/api/errors#error-shapes. The `request_id` is filled in when the answer is sent. */
export interface WireError {
  readonly type: 'error'
  readonly error: { readonly type: ErrorKind; readonly message: string }
  readonly request_id: string | null
}

export interface WirePage<T> {
  readonly data: readonly T[]
  readonly first_id: string | null
  readonly last_id: string | null
  readonly has_more: boolean
}

/** https://platform.claude.com/docs/en/api/versioning, https://platform.claude.com/docs/en/api/migration-2026-10-21 */
export const apiVersions = ['2023-01-01', '2023-06-01', '2026-10-21'] as const
export type ApiVersion = (typeof apiVersions)[number]
