import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startPostgres } from './postgres.ts'
import { removePostgresCluster } from './postgres-cluster.ts'
import { processStartTime } from './process-identity.ts'
import { recordProcess, stopSurvivors } from './process-record.ts'
import { findTemporalCli } from './temporal-cli.ts'
import { type RunningTemporalServer, startTemporalServer, type TemporalServerOptions } from './temporal-server.ts'

const directoryPrefix = 'batchwright-test-'

export type TestServices = {
  /** A superuser's, so that a test can create a database of its own. No migration has run. */
  readonly databaseUrl: string
  readonly temporalAddress: string
  /** Created ahead, because creating one takes a while; `default` exists beside them. */
  readonly namespaces: readonly string[]
  readonly dataDir: string
  /** Stops both and deletes their data. */
  readonly stop: () => Promise<void>
}

/**
 * Starts a Postgres without fsync and a Temporal dev server in memory, both of their own, whatever DATABASE_URL and TEMPORAL_ADDRESS
 * say: a test run must never touch anyone's data. What a killed test run left behind is stopped and deleted first.
 */
export async function startTestServices(options: {
  /** How many namespaces to create, `test-0` and on. */
  namespaces: number
  /** Of the Temporal server. */
  dynamicConfig?: Readonly<Record<string, unknown>>
  notice?: (line: string) => void
}): Promise<TestServices> {
  const { notice = (line: string) => process.stderr.write(`${line}\n`) } = options
  await removeAbandonedServices()
  const dataDir = mkdtempSync(join(tmpdir(), directoryPrefix))
  const recordPath = join(dataDir, 'processes.json')
  writeFileSync(join(dataDir, 'owner.json'), JSON.stringify({ pid: process.pid, startTime: processStartTime(process.pid) }))
  const onSpawn = recordProcess.bind(undefined, recordPath)
  const namespaces = Array.from({ length: options.namespaces }, (_, index) => `test-${index}`)

  const results = await Promise.allSettled([
    startPostgres({ dataDir, durable: false, notice, onSpawn }),
    startTestTemporal({
      dataDir,
      namespaces,
      notice,
      onSpawn,
      ...(options.dynamicConfig === undefined ? {} : { dynamicConfig: options.dynamicConfig }),
    }),
  ])
  const stop = async (): Promise<void> => {
    await Promise.all(results.map((result) => (result.status === 'fulfilled' ? result.value.stop() : Promise.resolve())))
    removePostgresCluster(dataDir)
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 })
  }
  const [postgres, temporal] = results
  if (postgres.status === 'rejected' || temporal.status === 'rejected') {
    await stop()
    throw postgres.status === 'rejected' ? postgres.reason : (temporal as PromiseRejectedResult).reason
  }
  return { databaseUrl: postgres.value.databaseUrl, temporalAddress: temporal.value.address, namespaces, dataDir, stop }
}

/** A Temporal dev server in memory, without Web UI. */
export async function startTestTemporal(
  options: Omit<TemporalServerOptions, 'cli' | 'inMemory' | 'uiPort'>,
): Promise<RunningTemporalServer> {
  const cli = await findTemporalCli(options.notice === undefined ? {} : { notice: options.notice })
  return startTemporalServer({ ...options, cli: cli.path, inMemory: true, uiPort: false })
}

async function removeAbandonedServices(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(directoryPrefix))) {
    const dataDir = join(tmpdir(), name)
    if (isOwned(dataDir)) continue
    await stopSurvivors(join(dataDir, 'processes.json'), { stopOrder: () => 0, graceMs: 5000 })
    removePostgresCluster(dataDir)
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** A directory without a readable owner may be one that is being made this very moment. */
function isOwned(dataDir: string): boolean {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(join(dataDir, 'owner.json'), 'utf8')) as { pid: number; startTime: string }
    return processStartTime(pid) === startTime
  } catch {
    return true
  }
}
