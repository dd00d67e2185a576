import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { Connection } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'

import { BatchwrightError, describeError } from '../core/errors.ts'
import { findFreePort, isPortListening } from './free-port.ts'
import { lastLogLines, readLogFrom } from './log-file.ts'
import { pollUntil } from './poll-until.ts'
import { describeExit, type RunningProcess, type SpawnedProcess, startProcess } from './running-process.ts'
import { registerSearchAttributes } from './search-attributes.ts'

/** How long a closed workflow can be looked at in the Web UI. The dev server's own default is one day. */
const retention = '30 days'

const startDeadlineMs = 60_000

/** After the end of a server on the same SQLite file the next one may find it locked for about a second. */
const lockedDatabaseMs = 15_000

export const temporalStopGraceMs = 10_000

export type TemporalServerOptions = {
  /** The Temporal CLI, as found by `findTemporalCli`. */
  cli: string
  /** Holds `temporal/temporal.db` and `logs/temporal.log`. */
  dataDir: string
  /** Keep everything in memory, for tests. Default: in the SQLite file. */
  inMemory?: boolean
  /** On 127.0.0.1; default: a free one. Throws `port_taken` if it is not free. */
  port?: number | undefined
  /** `false`: no Web UI. Default: on a free port. Throws `port_taken` if it is not free. */
  uiPort?: number | false | undefined
  /** Created beside `default`, each with the retention and the search attributes. */
  namespaces?: readonly string[]
  logLevel?: 'debug' | 'info' | 'warn' | 'error'
  /** Dynamic configuration of the server, such as `{ 'frontend.namespaceRPS': 10000 }`. */
  dynamicConfig?: Readonly<Record<string, unknown>>
  notice?: (line: string) => void
  onSpawn?: ((spawned: SpawnedProcess) => void) | undefined
  signal?: AbortSignal | undefined
}

export type RunningTemporalServer = {
  /** `127.0.0.1:port` */
  readonly address: string
  readonly port: number
  readonly uiUrl: string | undefined
  readonly uiPort: number | undefined
  readonly process: RunningProcess
  /** Ends it with SIGTERM, kills it after 10 s. */
  readonly stop: () => Promise<void>
}

/**
 * Starts `temporal server start-dev` on 127.0.0.1 and waits until it answers gRPC calls, its namespaces keep closed workflows for
 * 30 days, and our search attributes are registered. Throws `port_taken` and `temporal_not_started`.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<RunningTemporalServer> {
  const port = await claimPort(options.port)
  const uiPort = options.uiPort === false ? undefined : await claimPort(options.uiPort)
  const address = `127.0.0.1:${port}`
  const namespaces = ['default', ...(options.namespaces ?? [])]
  const server = await startServer(options, port, uiPort)
  try {
    await prepareNamespaces(address, namespaces, options.notice)
  } catch (cause) {
    await server.stop(temporalStopGraceMs)
    throw notStarted(server, `its namespaces could not be prepared: ${describeError(cause)}`, cause)
  }
  return {
    address,
    port,
    uiPort,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`,
    process: server,
    async stop() {
      await server.stop(temporalStopGraceMs)
    },
  }
}

async function claimPort(wanted: number | undefined): Promise<number> {
  const port = await findFreePort(wanted)
  if (wanted === undefined || port === wanted) return port
  throw new BatchwrightError('port_taken', `Port ${wanted} for Temporal is taken: end what uses it, or choose another port`)
}

/** Starts the server until it answers, again while the SQLite file is still locked by the one before. */
async function startServer(options: TemporalServerOptions, port: number, uiPort: number | undefined): Promise<RunningProcess> {
  const dataDir = resolve(options.dataDir)
  const logs = join(dataDir, 'logs')
  const store = join(dataDir, 'temporal')
  for (const directory of [logs, store]) mkdirSync(directory, { recursive: true, mode: 0o700 })
  const logPath = join(logs, 'temporal.log')
  closeSync(openSync(logPath, 'a', 0o600))
  const giveUpAt = performance.now() + lockedDatabaseMs
  for (;;) {
    const logOffset = readLogFrom(logPath, -1).nextOffset
    const server = await startProcess({
      name: 'temporal',
      command: options.cli,
      args: serverArguments(options, port, uiPort, join(store, 'temporal.db')),
      env: serverEnvironment(),
      logPath,
      onSpawn: options.onSpawn,
    })
    try {
      await waitUntilAnswering(server, port, options.signal)
      return server
    } catch (error) {
      await server.stop(2000)
      const locked = /SQLITE_BUSY|database is locked/.test(readLogFrom(logPath, logOffset).text)
      if (!locked || performance.now() > giveUpAt) throw error
      await delay(250)
    }
  }
}

/** Timers fire up to this late. The server's default of a second is more than the simulator takes for most batches. */
const defaultDynamicConfig = { 'history.timerProcessorMaxTimeShift': '20ms' }

function serverArguments(
  options: TemporalServerOptions,
  port: number,
  uiPort: number | undefined,
  databaseFile: string,
): string[] {
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--log-level',
    options.logLevel ?? 'warn',
    '--color',
    'never',
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(options.inMemory === true ? [] : ['--db-filename', databaseFile]),
    ...(options.namespaces ?? []).flatMap((namespace) => ['--namespace', namespace]),
    ...Object.entries({ ...defaultDynamicConfig, ...options.dynamicConfig }).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
  ]
}

/** The CLI takes defaults for its flags from TEMPORAL_* variables, which are meant for clients of another server. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')))
}

async function waitUntilAnswering(server: RunningProcess, port: number, signal: AbortSignal | undefined): Promise<void> {
  let lastError: unknown
  const answering = await pollUntil(
    async () => {
      const exit = server.exit()
      if (exit !== undefined) throw notStarted(server, `it ended at its start (${describeExit(exit)})`)
      // A refused gRPC connection is tried again only after a second, so the port is tried first.
      if (!(await isPortListening(port))) return undefined
      try {
        // `describeNamespace` and not just the connection: the frontend answers a little before the store does.
        const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 2000 })
        try {
          await connection.withDeadline(Date.now() + 2000, () =>
            connection.workflowService.describeNamespace({ namespace: 'default' }),
          )
        } finally {
          await connection.close()
        }
        return true
      } catch (error) {
        lastError = error
        return undefined
      }
    },
    { deadlineMs: startDeadlineMs, signal },
  )
  if (answering === undefined)
    throw notStarted(server, `it did not answer within ${startDeadlineMs / 1000} s: ${describeError(lastError)}`, lastError)
}

/** Retention and search attributes; again on a namespace that has them is fine. */
async function prepareNamespaces(
  address: string,
  namespaces: readonly string[],
  notice: ((line: string) => void) | undefined,
): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 10_000 })
  try {
    const config = { workflowExecutionRetentionTtl: msToTs(retention) }
    await Promise.all(
      namespaces.map(async (namespace) => {
        await connection.workflowService.updateNamespace({ namespace, config })
        await registerSearchAttributes(connection, namespace, notice)
      }),
    )
  } finally {
    await connection.close()
  }
}

function notStarted(server: RunningProcess, reason: string, cause?: unknown): BatchwrightError {
  const log = lastLogLines(server.logPath, 3).join(' ')
  return new BatchwrightError('temporal_not_started', `Temporal did not start: ${reason}. ${log} (log: ${server.logPath})`, {
    cause,
  })
}
