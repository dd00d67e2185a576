import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { BatchwrightError } from '../core/errors.ts'
import type { Config } from '../config/config.ts'
import { isLoopback } from './host-check.ts'
import type { ApiEnv } from './router.ts'

/** Probes of a load balancer carry no key. */
const openPaths = ['/healthz', '/readyz']

/** Asks for `Authorization: Bearer <BATCHWRIGHT_API_KEY>` where a key is set. */
export function requireKey({ key }: Config['api']): MiddlewareHandler<ApiEnv> {
  const expected = key === null ? null : digest(key.reveal())
  return async (context, next) => {
    if (expected !== null && !openPaths.includes(context.req.path)) {
      const given = /^Bearer +(.+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
      // Digests have one length, so the comparison takes one time.
      if (given === undefined || !timingSafeEqual(digest(given), expected)) {
        throw new BatchwrightError(
          'unauthorized',
          'send the key of this server (BATCHWRIGHT_API_KEY): Authorization: Bearer <key>',
        )
      }
    }
    await next()
  }
}

/** Throws `api_key_missing` for an address that others can reach and no key. */
export function requireKeyBeyondLoopback({ host, key }: Config['api']): void {
  if (key !== null || isLoopback(host)) return
  throw new BatchwrightError(
    'api_key_missing',
    `HOST=${host} can be reached by others: set BATCHWRIGHT_API_KEY, or bind to 127.0.0.1`,
  )
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
