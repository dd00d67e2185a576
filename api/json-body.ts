import { BatchwrightError } from '../core/errors.ts'
import { parseJson } from './json-text.ts'
import { bodyOf } from './request-body.ts'
import type { ApiContext } from './router.ts'

/** The request's JSON, or undefined when it has no body. Throws `body_too_large` and what `parseJson` throws. */
export async function readJsonBody(context: ApiContext, limitBytes: number): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of bodyOf(context)) {
    bytes += chunk.length
    if (bytes > limitBytes) throw new BatchwrightError('body_too_large', `the body is larger than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  if (bytes === 0) return undefined
  return parseJson(Buffer.concat(chunks), 'the body')
}
