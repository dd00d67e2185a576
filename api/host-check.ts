import type { MiddlewareHandler } from 'hono'
import { BatchwrightError } from '../core/errors.ts'
import type { Config } from '../config/config.ts'
import type { ApiEnv } from './router.ts'

const loopbackNames = ['localhost', '127.0.0.1', '::1']

/** Whether only this machine can connect. */
export function isLoopback(host: string): boolean {
  return loopbackNames.includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/**
 * Refuses what a web page of another origin makes a browser send. A foreign name that was made to point here (DNS rebinding) shows in `Host`,
 * another page in `Origin`. Beyond loopback any name may be ours, and every request needs the key, which no such page has.
 */
export function checkHost({ host: bound }: Config['api']): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const host = context.req.header('host') ?? new URL(context.req.url).host
    if (isLoopback(bound) && !isOwnName(nameOf(host), bound)) {
      const port = /:\d+$/.exec(host)?.[0] ?? ''
      throw new BatchwrightError('host_not_allowed', `"${host}" is no name of this server: use http://${bound}${port}`)
    }
    const origin = context.req.header('origin')
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      throw new BatchwrightError('origin_not_allowed', `requests from pages of ${origin} are refused`)
    }
    await next()
  }
}

function isOwnName(name: string, bound: string): boolean {
  return loopbackNames.includes(name) || name === bound
}

/** `localhost:8787` as `localhost`, `[::1]:8787` as `::1`. */
function nameOf(host: string): string {
  const withoutPort = host.replace(/:\d+$/, '').toLowerCase()
  return withoutPort.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

/** `null` (a sandboxed page, a file) is nobody's origin. */
function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
