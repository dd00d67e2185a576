import { APIConnectionError, APIError, APIUserAbortError } from '@anthropic-ai/sdk'
import { isBillingError } from '../../formats/anthropic-error.ts'
import { createToProviderError, type SdkApiError } from '../sdk-errors.ts'

/** What Anthropic's SDK threw, in the terms of the interface. */
export const toProviderError = createToProviderError({
  aborted: APIUserAbortError,
  connection: APIConnectionError,
  api: APIError,
  codeOf: ({ errorCode, type }) => textOf(errorCode) ?? textOf(type),
  isBilling: (error) => error.status === 402 || isBillingError(bodyOf(error)),
})

function bodyOf({ type, errorCode, apiMessage }: SdkApiError): Parameters<typeof isBillingError>[0] {
  return { type: textOf(type), code: textOf(errorCode), message: textOf(apiMessage) }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
