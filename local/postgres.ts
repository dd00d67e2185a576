import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import postgres from 'postgres'

import { BatchwrightError, describeError } from '../core/errors.ts'
import { findFreePort } from './free-port.ts'
import { lastLogLines } from './log-file.ts'
import { pollUntil } from './poll-until.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import { openPostgresCluster, postgresEnvironment, postgresRole } from './postgres-cluster.ts'
import { leftOverSessionsMs, postgresStopGraceMs, stopLeftOverServer } from './postgres-left-over.ts'
import { findPostgresUser } from './postgres-user.ts'
import { describeExit, type ProcessCommand, type RunningProcess, type SpawnedProcess, startProcess } from './running-process.ts'

/** Also the name of the database. */
const databaseName = 'batchwright'

/** After a crash Postgres replays its log before it answers, which can take minutes on a slow disk. */
const startDeadlineMs = 180_000

export type PostgresOptions = {
  /** Holds the cluster, its password and `logs/postgres.log`. */
  dataDir: string
  /** On 127.0.0.1; default: a free one. Throws `port_taken` if it is not free. */
  port?: number | undefined
  /** `false` turns fsync off, for tests: a power cut may lose everything, a kill -9 still loses nothing. */
  durable?: boolean
  /** Lines for a person: where data went, what was repaired. */
  notice?: (line: string) => void
  onSpawn?: ((spawned: SpawnedProcess) => void) | undefined
  signal?: AbortSignal | undefined
}

export type RunningPostgres = {
  readonly databaseUrl: string
  readonly port: number
  /** What a client outside of a URL needs; also in `<dataDir>/postgres-password`. */
  readonly password: string
  readonly directory: string
  readonly process: RunningProcess
  /** Ends sessions, writes a checkpoint and stops; kills after 30 s. */
  readonly stop: () => Promise<void>
}

/**
 * Starts the Postgres of a data directory, creating its cluster on first use, and waits until it answers `select 1`. The role is a
 * superuser, and the only one. A server that a crash of ours left running on the same data is stopped first. Throws `port_taken`,
 * `postgres_not_started`, and what `findPostgresUser`, `findPostgresBinaries` and `openPostgresCluster` throw.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { durable = true, notice = () => undefined, signal } = options
  const dataDir = resolve(options.dataDir)
  const user = await findPostgresUser()
  const binaries = await findPostgresBinaries(user, notice)
  const { directory, password } = await openPostgresCluster({ dataDir, binaries, user, durable, notice })
  await stopLeftOverServer(directory, notice)

  const port = await findFreePort(options.port)
  if (options.port !== undefined && port !== options.port) {
    throw new BatchwrightError(
      'port_taken',
      `Port ${options.port} for Postgres is taken: end what uses it, or choose another port`,
    )
  }
  const logs = join(dataDir, 'logs')
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  const url = (database: string): string => `postgres://${postgresRole}:${password}@127.0.0.1:${port}/${database}`
  const server = await startServer(url('postgres'), signal, {
    name: 'postgres',
    command: binaries.postgres,
    args: ['-D', directory, ...Object.entries(settings(port, durable)).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: postgresEnvironment(),
    cwd: '/',
    user: user && { uid: user.uid, gid: user.gid },
    logPath: join(logs, 'postgres.log'),
    // "Fast" shutdown; SIGTERM would be "smart" and wait for clients that never leave.
    stopSignal: 'SIGINT',
    onSpawn: options.onSpawn,
  })
  return {
    databaseUrl: url(databaseName),
    port,
    password,
    directory,
    process: server,
    async stop() {
      await server.stop(postgresStopGraceMs)
    },
  }
}

/** Starts the server until it is ready, again while the last sessions of one that was killed still hold the data. */
async function startServer(url: string, signal: AbortSignal | undefined, command: ProcessCommand): Promise<RunningProcess> {
  const giveUpAt = performance.now() + leftOverSessionsMs
  for (;;) {
    const server = await startProcess(command)
    try {
      await waitUntilReady(server, url, signal)
      return server
    } catch (error) {
      await server.stop(5000)
      const held = lastLogLines(command.logPath, 5).some((line) => line.includes('pre-existing shared memory block'))
      if (!held || performance.now() > giveUpAt) throw error
      await delay(200)
    }
  }
}

function settings(port: number, durable: boolean): Record<string, string | number> {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '256MB',
    // Whole jobs are copied in: fewer, larger checkpoints. Nobody replicates from here, so the log holds what recovery needs only.
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    wal_level: 'minimal',
    max_wal_senders: 0,
    // All queries are short; compiling them costs more than it gives.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    // `synchronous_commit` stays on: without fsync it costs next to nothing, and what was committed outlives a kill -9 of the server.
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }
}

/** Ready is: it answers a query, and has our database. */
async function waitUntilReady(server: RunningProcess, url: string, signal: AbortSignal | undefined): Promise<void> {
  let lastError: unknown
  const ready = await pollUntil(
    async () => {
      const exit = server.exit()
      if (exit !== undefined) {
        const log = lastLogLines(server.logPath, 5).join(' ')
        throw new BatchwrightError(
          'postgres_not_started',
          `Postgres ended at its start (${describeExit(exit)}): ${log} (log: ${server.logPath})`,
        )
      }
      const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined })
      try {
        const found = await sql`select 1 from pg_database where datname = ${databaseName}`
        if (found.length === 0) await sql`create database ${sql(databaseName)}`
        return true
      } catch (error) {
        lastError = error
        return undefined
      } finally {
        await sql.end({ timeout: 1 })
      }
    },
    { deadlineMs: startDeadlineMs, signal },
  )
  if (ready === undefined) {
    throw new BatchwrightError(
      'postgres_not_started',
      `Postgres did not answer within ${startDeadlineMs / 1000} s (${describeError(lastError)}; log: ${server.logPath})`,
      { cause: lastError },
    )
  }
}
