import { invalidRequest } from './errors.ts'
import { apiVersions, type ApiVersion } from './wire.ts'

/** The API version that a call asks for. Throws the API's 400 for a call without one, or with one that there isn't. */
export function versionOf(headers: NodeJS.Dict<string | string[]>): ApiVersion {
  const given = headers['anthropic-version']
  if (given === undefined || given === '') throw invalidRequest('anthropic-version: header is required')
  const version = apiVersions.find((known) => known === given)
  if (version === undefined) throw invalidRequest(`anthropic-version: "${String(given)}" is not a valid version`)
  return version
}
