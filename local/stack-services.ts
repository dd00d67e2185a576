import { join } from 'node:path'

import type { DataDirectory } from './data-directory.ts'
import { type ChildKind, probeHttp, startNodeChild } from './node-child.ts'
import { startPostgres } from './postgres.ts'
import { postgresStopGraceMs } from './postgres-left-over.ts'
import { recordProcess } from './process-record.ts'
import type { SpawnedProcess } from './running-process.ts'
import { waitForFreePort } from './stack-ports.ts'
import type { ServiceDefinition } from './supervised-service.ts'
import { startTemporalServer, type TemporalServerOptions, temporalStopGraceMs } from './temporal-server.ts'

const stopOrder = ['worker', 'api', 'simulator', 'temporal', 'postgres']

/** Position of `worker-2`, `api`, … in the stop order (design, section 7): who needs others goes before them. */
export function stopStep(name: string): number {
  const position = stopOrder.indexOf(name.replace(/-\d+$/, ''))
  return position === -1 ? 0 : position
}

const childStopGraceMs: Readonly<Record<ChildKind, number>> = { worker: 20_000, api: 10_000, simulator: 5000 }

export type StackServiceOptions = { directory: DataDirectory; notice: (line: string) => void }

/** `onReady` is told the URL of our database at every start; it stays the same. */
export function postgresService(
  { directory, notice }: StackServiceOptions,
  options: { port: number; durable: boolean; onReady: (databaseUrl: string) => void },
): ServiceDefinition {
  return {
    name: 'postgres',
    stopStep: stopStep('postgres'),
    stopGraceMs: postgresStopGraceMs,
    async start({ signal }) {
      await waitForFreePort(options.port, signal)
      const running = await startPostgres({
        dataDir: directory.path,
        port: options.port,
        durable: options.durable,
        notice,
        signal,
        onSpawn: recordIn(directory),
      })
      options.onReady(running.databaseUrl)
      return running.process
    },
  }
}

export function temporalService(
  { directory, notice }: StackServiceOptions,
  options: Pick<TemporalServerOptions, 'cli' | 'namespaces'> & { port: number; uiPort: number },
): ServiceDefinition {
  return {
    name: 'temporal',
    stopStep: stopStep('temporal'),
    stopGraceMs: temporalStopGraceMs,
    async start({ signal }) {
      await waitForFreePort(options.port, signal)
      const running = await startTemporalServer({
        ...options,
        dataDir: directory.path,
        notice,
        signal,
        onSpawn: recordIn(directory),
      })
      return running.process
    },
  }
}

export type ChildServiceOptions = {
  kind: ChildKind
  name: string
  command: readonly string[] | undefined
  args: readonly string[]
  env: NodeJS.ProcessEnv
}

/** `url` is given for the API: its `/readyz` then tells when it is ready, not its log. */
export function childService(directory: DataDirectory, child: ChildServiceOptions, url?: string): ServiceDefinition {
  return {
    name: child.name,
    stopStep: stopStep(child.name),
    stopGraceMs: childStopGraceMs[child.kind],
    start: ({ automatic, signal }) =>
      startNodeChild({
        ...child,
        logPath: logPath(directory, child.name),
        signal,
        onSpawn: recordIn(directory),
        ...(url === undefined
          ? {}
          : {
              async probe() {
                const answer = await probeHttp(`${url}/readyz`)
                // After a crash it is enough that it answers: it may wait for a worker or a database that is coming back as well.
                return { ready: automatic ? answer.answering : answer.ready, detail: answer.detail }
              },
            }),
      }),
  }
}

export function logPath(directory: DataDirectory, name: string): string {
  return join(directory.logs, `${name}.log`)
}

function recordIn(directory: DataDirectory): (spawned: SpawnedProcess) => void {
  return (spawned) => recordProcess(directory.processRecord, spawned)
}
