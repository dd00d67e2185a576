import { setTimeout as sleep } from 'node:timers/promises'
import { BatchwrightError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Http, HttpRequest } from './http.ts'
import { readJson } from './problem.ts'

/** An API that is being restarted is back by then; a person who waits for an upload of minutes waits for this as well. */
const retryDelaysMs = [500, 1000, 2000, 5000, 10_000]

/** Temporary by their nature. `upload_in_progress`: the server has not noticed yet that the connection broke. `upload_lost`: Postgres was restarted meanwhile. */
const temporaryCodes = ['unreachable', 'upload_in_progress', 'upload_lost', 'database_unavailable']

/**
 * Sends a request that has the same effect once as often, again while what goes wrong is temporary and its body can be read again. `isThere`: the API
 * answered a moment ago.
 */
export async function sendUpload(
  http: Http,
  request: HttpRequest,
  isRepeatable: boolean,
  { isThere = false }: { isThere?: boolean } = {},
): Promise<JsonObject> {
  for (let tries = 0; ; tries++) {
    try {
      return (await readJson(await http.send({ ...request, retryDelaysMs: [] }))) as JsonObject
    } catch (error) {
      const delayMs = retryDelaysMs[tries]
      if (!(error instanceof BatchwrightError) || !temporaryCodes.includes(error.code)) throw error
      // Nothing listens there: repeating would only delay the message that says how to start it. After a try that got
      // through, it is being restarted.
      if (tries === 0 && !isThere && isRefused(error)) throw error
      if (!isRepeatable) throw error.code === 'unreachable' ? brokenUpload(http.url, error) : error
      if (delayMs === undefined) throw error
      await sleep(delayMs, undefined, request.signal === undefined ? {} : { signal: request.signal })
    }
  }
}

function isRefused(error: BatchwrightError): boolean {
  return error.code === 'unreachable' && error.details.isRefused === true
}

function brokenUpload(url: string, cause: BatchwrightError): BatchwrightError {
  const message = `the connection to ${url} broke during the upload, and whether it arrived is not known: look at \`batchwright list\`, and send again what is not there (a file is sent again by itself, a stream can't be)`
  return new BatchwrightError('upload_broken', message, { cause })
}
