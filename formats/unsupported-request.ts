import { BatchwrightError } from '../core/errors.ts'

/** A request that can't be put in a provider's terms. `details.field` is the path of the field in the input line. */
export function unsupportedRequest(field: string, reason: string): BatchwrightError {
  return new BatchwrightError('unsupported_request', `${field}: ${reason}`, { details: { field, reason } })
}
