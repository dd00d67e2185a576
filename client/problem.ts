import { BatchwrightError } from '../core/errors.ts'
import { parseExactJson } from '../core/exact-json.ts'

/**
 * The error in a response that is not 2xx: RFC 9457 problem+json of ours, or, when something else answered (a proxy, another program on the port),
 * its status. `details` has the status and what else the problem carries.
 */
export async function problemOf(response: Response): Promise<BatchwrightError> {
  const text = await response.text().catch(() => '')
  const body = parseObject(text)
  const code = body?.code
  if (body === null || typeof code !== 'string') {
    return unexpectedResponse(response, text)
  }
  const { code: _code, title, detail, type: _type, ...details } = body
  const message = [detail, title].find((part) => typeof part === 'string' && part !== '')
  return new BatchwrightError(code, typeof message === 'string' ? message : code, {
    details: { status: response.status, ...details },
  })
}

/** The JSON object of a 2xx response. Throws `unexpected_response` when something else than Batchwright answered. */
export async function readJson(
  response: Response,
  isExpected: (body: Record<string, unknown>) => boolean = () => true,
): Promise<Record<string, unknown>> {
  const text = await response.text()
  const body = parseObject(text)
  if (body === null || !isExpected(body)) throw unexpectedResponse(response, text)
  return body
}

function unexpectedResponse(response: Response, text: string): BatchwrightError {
  const message = `${new URL(response.url).origin} answered ${response.status} ${response.statusText}`.trim()
  return new BatchwrightError('unexpected_response', `${message}, and not as Batchwright does: check BATCHWRIGHT_URL`, {
    details: { status: response.status, body: text.slice(0, 500) },
  })
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = parseExactJson(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
