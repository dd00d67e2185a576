import { collectDefaultMetrics, Registry } from '@prometheus-io/client'
import { describeError } from '../core/errors.ts'
import { sqlState } from '../db/database.ts'
import { readMetrics, type DatabaseMetrics } from '../db/metrics.ts'
import type { Dependencies } from './dependencies.ts'
import { createJobMetrics } from './job-metrics.ts'
import { addRoute, type Router } from './router.ts'
import { servedWithinMs } from './served-lanes.ts'

/** What a scrape waits for Postgres. Prometheus gives one up after 10 s by default. */
const databaseTimeoutMs = 3000

/**
 * `/metrics`, in Prometheus' text format. It answers without Postgres as well, with what this process knows itself. Every API process says the same of the
 * database: over several of them take `max`, not `sum`.
 */
export function addMetricsRoute(router: Router, registry: Registry, { database, config, logger }: Dependencies): void {
  const lanes = config.providers
    .filter(({ configured }) => configured)
    .map(({ name, simulated }) => ({ provider: name, simulated }))
  const metrics = createJobMetrics(registry, lanes)
  let reading: Promise<DatabaseMetrics | null> | null = null
  // One at a time: scrapes that come while Postgres hangs wait for the same answer, and take no more connections.
  const read = async (): Promise<DatabaseMetrics | null> => {
    reading ??= readMetrics(database, { timeoutMs: databaseTimeoutMs, workersWithinMs: servedWithinMs })
      .catch((error: unknown) => {
        // That Postgres can't be reached is said once, by the watch over readiness.
        const level = sqlState(error) === null ? 'debug' : 'warn'
        logger[level]({ error: describeError(error) }, 'metrics could not be read from the database')
        return null
      })
      .finally(() => (reading = null))
    return await within(reading, databaseTimeoutMs)
  }
  addRoute(
    router,
    {
      method: 'get',
      path: '/metrics',
      summary: "Metrics in Prometheus' text format",
      description: 'Without Postgres `batchwright_database_up` is 0, and what only Postgres knows is absent.',
      tag: 'health',
      responses: {
        200: { description: 'All metrics.', content: { [Registry.PROMETHEUS_CONTENT_TYPE]: { schema: { type: 'string' } } } },
      },
    },
    async () => {
      metrics.set(await read())
      const text = `${await registry.metrics()}${await processRegistry().metrics()}`
      return new Response(text, { headers: { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE } })
    },
  )
}

async function within<Result>(work: Promise<Result>, timeoutMs: number): Promise<Result | null> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}

let ofProcess: Registry | undefined

/** Memory, processor time, event loop and garbage collection of the process, watched from the first scrape on: who never asks pays nothing for it. */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    // Event loop utilization would be looked at ten times a second.
    collectDefaultMetrics({ register: ofProcess, eventLoopUtilizationTimeout: 1000 })
  }
  return ofProcess
}
