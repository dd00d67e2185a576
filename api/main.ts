import { once } from 'node:events'
import { requireDatabaseUrl, withoutProviderKeys, type Config } from '../config/config.ts'
import { createLogger } from '../config/logger.ts'
import { openDatabase } from '../db/database.ts'
import { createApp } from './app.ts'
import { requireKeyBeyondLoopback } from './authentication.ts'
import type { ApiLogger } from './dependencies.ts'
import { connectJobWorkflows } from './job-workflows.ts'
import { watchReadiness } from './readiness-watch.ts'
import { listen } from './server.ts'

/** Connections to Postgres of each of its two clients: requests are short, and an upload holds none while it waits for its sender. */
const maxConnections = 10

export interface RunningApi {
  readonly url: string
  /** Refuses new requests, ends streams, lets running requests finish for a few seconds. */
  stop(): Promise<void>
}

/**
 * Starts the API. It listens even while Postgres or Temporal can't be reached, answers 503 then, and logs which one is missing. Throws
 * `database_url_missing`, `api_key_missing`, `port_taken`.
 */
export async function startApi(given: Config, logger: ApiLogger): Promise<RunningApi> {
  // What needs a provider's key runs in a worker.
  const config = withoutProviderKeys(given)
  requireKeyBeyondLoopback(config.api)
  const database = openDatabase(requireDatabaseUrl(config), { maxConnections, applicationName: 'batchwright api' })
  const temporal = connectJobWorkflows(config.temporal)
  const stopping = new AbortController()
  const app = createApp({ database, temporal, config, logger, stopping: stopping.signal })
  const closeAll = async () => {
    await app.close()
    await Promise.allSettled([temporal.close(), database.close()])
  }
  try {
    const server = await listen(app.router, config.api)
    const watch = watchReadiness(() => app.readiness(), logger, stopping.signal)
    logger.info({ url: server.url }, 'api ready')
    return {
      url: server.url,
      async stop() {
        stopping.abort()
        await server.close()
        await watch
        await closeAll()
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Runs the API until SIGINT or SIGTERM. Returns the exit code. */
export async function runApi(config: Config): Promise<number> {
  const logger = createLogger(config, 'api')
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const api = await startApi(config, logger)
  await stopped
  logger.info({}, 'api stopping')
  await api.stop()
  return 0
}
