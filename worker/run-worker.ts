import { Runtime } from '@temporalio/worker'
import { requireDatabaseUrl, type Config } from '../config/config.ts'
import { createLogger } from '../config/logger.ts'
import { createRedactor } from '../config/redactor.ts'
import { openDatabase } from '../db/database.ts'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { activitySettings } from './activity-settings.ts'
import { crashPointReacher } from './crash-points.ts'
import { providerSettings } from './provider-settings.ts'
import { waitForPostgres } from './postgres-wait.ts'
import { startWorker } from './start-worker.ts'
import { connectToTemporal } from './temporal-connection.ts'
import { forwardRuntimeLog } from './runtime-log.ts'

/** Connections of a worker: each database activity uses one, for milliseconds. */
const maxConnections = 12

/**
 * Runs a worker until SIGINT or SIGTERM. Where Temporal or Postgres can't be reached it says which, and goes on trying. Returns the exit code.
 */
export async function runWorkerProcess(config: Config): Promise<number> {
  const logger = createLogger(config, 'worker')
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
  Runtime.install({
    logger: forwardRuntimeLog(logger),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' } } },
    shutdownSignals: [],
  })

  const database = openDatabase(requireDatabaseUrl(config), { maxConnections, applicationName: 'batchwright worker' })
  try {
    const providers = createProviderRegistry(providerSettings(config), loadCatalog(config.models))
    const { address, namespace, apiKey } = config.temporal
    // Side by side, so that both are named where both are missing.
    const [connected, reached] = await Promise.allSettled([
      connectToTemporal({ address, namespace, apiKey: apiKey?.reveal() ?? null }, logger, stopping.signal),
      waitForPostgres(database, logger, stopping.signal),
    ])
    if (connected.status === 'rejected') throw connected.reason
    const connection = connected.value
    try {
      if (reached.status === 'rejected') throw reached.reason
      const worker = await startWorker({
        connection,
        namespace,
        database,
        providers,
        settings: activitySettings(config),
        logger,
        redact: createRedactor(config),
        reach: crashPointReacher(process.env),
      })
      stopping.signal.addEventListener('abort', () => void worker.stop())
      if (stopping.signal.aborted) await worker.stop()
      logger.info({ address, namespace, providers: providers.names() }, 'worker ready')
      await worker.stopped
      return 0
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (stopping.signal.aborted) return 0
    throw error
  } finally {
    await database.close()
  }
}
