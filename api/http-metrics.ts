import { Gauge, Histogram, type Registry } from '@prometheus-io/client'
import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { ApiContext, ApiEnv } from './router.ts'

const methods = ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']
/** In seconds: reads take milliseconds, uploads minutes. */
const buckets = [0.005, 0.02, 0.1, 0.5, 1, 5, 30, 120, 600]

/**
 * Counts and times requests until their answer begins; a stream goes on after that. Labels are patterns of routes and never a path itself, so that
 * their number is that of the routes whatever is asked for.
 */
export function countRequests(registry: Registry): MiddlewareHandler<ApiEnv> {
  const durations = new Histogram({
    name: 'batchwright_http_request_duration_seconds',
    help: 'Requests by route, and the time until their answer began.',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers: [registry],
  })
  const running = new Gauge({
    name: 'batchwright_http_requests_in_progress',
    help: 'Requests whose answer has not begun. Those of POST /v1/jobs are uploads under way.',
    labelNames: ['method', 'route'],
    registers: [registry],
  })
  return async (context, next) => {
    const labels = { method: methods.find((known) => known === context.req.method) ?? 'other', route: routeOf(context) }
    const startedAt = performance.now()
    running.inc(labels)
    try {
      await next()
    } finally {
      running.dec(labels)
      durations.observe({ ...labels, status: context.res.status }, (performance.now() - startedAt) / 1000)
    }
  }
}

/** `/v1/jobs/{id}`, as in the OpenAPI document; `none` where there is no such route. */
function routeOf(context: ApiContext): string {
  const route = matchedRoutes(context).find(({ method }) => method !== 'ALL')
  return route === undefined ? 'none' : route.path.replace(/:(\w+)/g, '{$1}')
}
