import { APIConnectionError, APIError, APIUserAbortError } from 'openai'
import { billingCodes } from '../../formats/openai-error.ts'
import { createToProviderError, type SdkApiError } from '../sdk-errors.ts'

/** What OpenAI's SDK threw, in the terms of the interface. */
export const toProviderError = createToProviderError({
  aborted: APIUserAbortError,
  connection: APIConnectionError,
  api: APIError,
  codeOf,
  // Out of credit comes as a 429.
  isBilling: (error) => billingCodes.has(codeOf(error) ?? ''),
})

function codeOf({ code, type }: SdkApiError): string | null {
  if (typeof code === 'string' && code !== '') return code
  return typeof type === 'string' ? type : null
}
