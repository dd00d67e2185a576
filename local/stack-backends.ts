import { Connection } from '@temporalio/client'

import { BatchwrightError, describeError } from '../core/errors.ts'
import type { DataDirectory } from './data-directory.ts'
import { registerSearchAttributes } from './search-attributes.ts'
import type { ChosenPorts } from './stack-ports.ts'
import { postgresService, temporalService } from './stack-services.ts'
import type { StartSteps } from './start-steps.ts'
import type { Supervisor } from './supervisor.ts'
import { findTemporal } from './temporal-cli.ts'

export type BackendOptions = {
  directory: DataDirectory
  supervisor: Supervisor
  steps: StartSteps
  ports: ChosenPorts
  durable: boolean
}

export type TemporalBackend = { address: string; namespace: string; uiUrl: string | undefined; isLocal: boolean }

/** The database that `DATABASE_URL` names, or our own, brought to this version's schema. Returns its URL. */
export async function startDatabase({ directory, supervisor, steps, ports, durable }: BackendOptions): Promise<string> {
  const external = process.env['DATABASE_URL']
  let databaseUrl = external
  if (!databaseUrl) {
    await steps.run(
      'postgres',
      async (notice) => {
        const onReady = (url: string): void => void (databaseUrl = url)
        await supervisor.start(postgresService({ directory, notice }, { port: ports.postgres, durable, onReady }))
      },
      () => `127.0.0.1:${ports.postgres}`,
    )
  }
  const url = databaseUrl ?? ''
  await steps.run(
    'database schema',
    async () => {
      // Loaded only now: nothing of it is needed by a start that fails earlier.
      const { migrate } = await import('../db/migrate.ts')
      try {
        await migrate(url)
      } catch (cause) {
        const where = external ? 'the database at DATABASE_URL' : 'our database'
        throw new BatchwrightError(
          'database_not_ready',
          `The schema of ${where} could not be brought up to date: ${describeError(cause)}`,
          {
            cause,
          },
        )
      }
    },
    () => (external ? 'up to date, at DATABASE_URL' : 'up to date'),
  )
  return url
}

/** The server that `TEMPORAL_ADDRESS` names, or our own dev server. */
export async function startTemporal({ directory, supervisor, steps, ports }: BackendOptions): Promise<TemporalBackend> {
  const namespace = process.env['TEMPORAL_NAMESPACE'] || 'default'
  return steps.run(
    'temporal',
    async (notice) => {
      const location = await findTemporal({ notice, signal: steps.signal })
      if (location.source === 'TEMPORAL_ADDRESS') {
        await prepareExternalNamespace(location.address, namespace, notice)
        return { address: location.address, namespace, uiUrl: undefined, isLocal: false }
      }
      const namespaces = namespace === 'default' ? [] : [namespace]
      const ownPorts = { port: ports.temporal, uiPort: ports.temporalUi }
      await supervisor.start(temporalService({ directory, notice }, { cli: location.path, namespaces, ...ownPorts }))
      return { address: `127.0.0.1:${ports.temporal}`, namespace, uiUrl: `http://127.0.0.1:${ports.temporalUi}`, isLocal: true }
    },
    (temporal) => (temporal.isLocal ? temporal.address : `${temporal.address} (TEMPORAL_ADDRESS)`),
  )
}

/** Only a convenience, so a server that can't be reached from here is no reason to stop: the worker says so when it can't either. */
async function prepareExternalNamespace(address: string, namespace: string, notice: (line: string) => void): Promise<void> {
  const apiKey = process.env['TEMPORAL_API_KEY']
  try {
    const connection = await Connection.connect({ address, connectTimeout: 5000, ...(apiKey ? { apiKey, tls: true } : {}) })
    try {
      await registerSearchAttributes(connection, namespace, notice)
    } finally {
      await connection.close()
    }
  } catch (error) {
    notice(`Temporal at ${address} could not be asked for its search attributes: ${describeError(error)}`)
  }
}
