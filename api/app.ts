import { Registry } from '@prometheus-io/client'
import { BatchwrightError, describeError } from '../core/errors.ts'
import type { Readiness } from './contracts/health.ts'
import { requireKey } from './authentication.ts'
import { addBatchRoutes } from './batches.ts'
import { addCommandRoutes } from './commands.ts'
import { addComparisonRoutes } from './comparisons.ts'
import { addCostRoutes } from './costs.ts'
import { addCreateRoute } from './create-job.ts'
import { createDependencies, type AppOptions } from './dependencies.ts'
import { addDocumentRoutes } from './docs.ts'
import { addDraftRoutes } from './drafts.ts'
import { addEventRoutes } from './events.ts'
import { addHealthRoutes, readReadiness } from './health.ts'
import { checkHost } from './host-check.ts'
import { countRequests } from './http-metrics.ts'
import { addItemRoutes } from './items.ts'
import { addJobRoutes } from './jobs.ts'
import { addMetricsRoute } from './metrics.ts'
import { addModelRoutes } from './models.ts'
import { problemOf, problemResponse } from './problem.ts'
import { addProviderRoutes } from './providers.ts'
import { addRejectRoutes } from './rejects.ts'
import { addResultRoutes } from './results.ts'
import { createRouter, type Router } from './router.ts'
import { addStreamRoute } from './stream.ts'

export interface App {
  readonly router: Router
  /** What `/readyz` says. */
  readiness(): Promise<Readiness>
  /** Gives back what the app holds open: the LISTEN and the locks of uploads. */
  close(): Promise<void>
}

/** The whole HTTP API. Nothing is connected until a request needs it. */
export function createApp(options: AppOptions): App {
  const dependencies = createDependencies(options)
  const { config, logger } = dependencies
  const router = createRouter()
  const registry = new Registry()
  // First, so that what is refused counts as well.
  router.use(countRequests(registry), checkHost(config.api), requireKey(config.api))
  addCreateRoute(router, dependencies)
  addDraftRoutes(router, dependencies)
  addJobRoutes(router, dependencies)
  addItemRoutes(router, dependencies)
  addResultRoutes(router, dependencies)
  addEventRoutes(router, dependencies)
  addStreamRoute(router, dependencies)
  addBatchRoutes(router, dependencies)
  addRejectRoutes(router, dependencies)
  addCostRoutes(router, dependencies)
  addComparisonRoutes(router, dependencies)
  addCommandRoutes(router, dependencies)
  addModelRoutes(router, dependencies)
  addProviderRoutes(router, dependencies)
  addHealthRoutes(router, dependencies)
  addMetricsRoute(router, registry, dependencies)
  addDocumentRoutes(router)

  const routes = router.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({ method, pattern: patternOf(path) }))
  router.notFound((context) => {
    const { method, path } = context.req
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map((route) => route.method))]
    if (allowed.length === 0)
      return problemResponse(new BatchwrightError('route_not_found', `there is nothing at ${path}: /docs lists what there is`))
    const list = allowed.join(', ')
    return problemResponse(new BatchwrightError('method_not_allowed', `${path} takes ${list}, not ${method}`), { allow: list })
  })
  router.onError((error, context) => {
    const { status, code } = problemOf(error)
    const fields = { method: context.req.method, path: context.req.path, status, code, error: describeError(error) }
    if (status < 500) logger.debug(fields, 'request refused')
    else if (status === 503) logger.warn(fields, 'request refused for now')
    else logger.error({ ...fields, stack: error.stack }, 'request failed')
    return problemResponse(error)
  })
  return {
    router,
    readiness: () => readReadiness(dependencies),
    async close() {
      await Promise.all([dependencies.events.close(), dependencies.locks.close()])
    },
  }
}

/** `/v1/jobs/:id` as a pattern for whole paths. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`)
}
