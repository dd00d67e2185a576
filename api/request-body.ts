import type { ApiContext } from './router.ts'
import { BatchwrightError } from '../core/errors.ts'

/**
 * The request's body as it arrives. Node's own stream where there is one: it saves a copy into a web stream. Throws `upload_broken` when the
 * client goes away before its end.
 */
export async function* bodyOf(context: ApiContext): AsyncGenerator<Uint8Array> {
  // Left open when reading stops early: closing it would close the connection before the answer that says why.
  const incoming = context.env?.incoming?.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array> | undefined
  const source: AsyncIterable<Uint8Array> | null = incoming ?? context.req.raw.body
  if (source === null) return
  try {
    yield* source
  } catch (error) {
    throw new BatchwrightError('upload_broken', 'the connection broke before the end of the upload; nothing was stored', {
      cause: error,
    })
  }
}
