import { join, resolve } from 'node:path'

import { BatchwrightError } from '../core/errors.ts'
import { type DataDirectory, type ServicePorts, takeDataDirectory } from './data-directory.ts'
import { findFreePort } from './free-port.ts'
import { rotateLog } from './log-file.ts'
import type { ChildKind } from './node-child.ts'
import { killRecordedProcesses, runningProcesses, stopSurvivors } from './process-record.ts'
import { startDatabase, startTemporal } from './stack-backends.ts'
import { childEnvironment, simulatorEnvironment } from './stack-environment.ts'
import { type ChosenPorts, choosePorts, requireFreePort } from './stack-ports.ts'
import { childService, logPath, stopStep } from './stack-services.ts'
import { createStartSteps, type StackStep } from './start-steps.ts'
import type { ServiceEvent } from './supervised-service.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'

export const defaultApiPort = 8787

const survivorGraceMs = 10_000

export type StackOptions = {
  dataDir: string
  /** Of API and page, on 127.0.0.1; 0 takes any free one. Default 8787. */
  port?: number
  /** Names of the providers that the simulator stands in for; `false` starts none. */
  simulate: readonly string[] | false
  configFile?: string | undefined
  /** Worker processes. Default 1. */
  workers?: number
  /** Takes provider keys and base URLs out of the children's environment, so that nothing real can be called. */
  stripProviderKeys?: boolean
  /** Set for API, worker and simulator, over everything else. */
  env?: Readonly<Record<string, string>>
  /** Program and first arguments of API, worker and simulator; their kind and arguments follow. Default: this Node and `cli/main.ts`. */
  childCommand?: readonly string[]
  simulatorArgs?: readonly string[]
  /** Ports that must be these; the others are those of the last start, at the first one Temporal's usual ones, if they are free, else any. */
  ports?: ServicePorts
  /** `false`: Postgres without fsync, for tests. */
  durable?: boolean
  /** Aborts the start: what runs by then is stopped, and `startStack` throws `start_aborted`. */
  signal?: AbortSignal
  /** Crashes and restarts, after the start. */
  onEvent?: (event: ServiceEvent) => void
}

export type StackFailure = { name: string; reason: string; logPath: string }

export type Stack = {
  readonly apiUrl: string
  /** Temporal's Web UI, if the server is ours. */
  readonly uiUrl: string | undefined
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly temporalNamespace: string
  readonly simulatorUrl: string | undefined
  readonly dataDir: string
  readonly logPath: (name: string) => string
  /** `postgres temporal simulator api worker worker-2 …`; only those that we started. */
  readonly processNames: () => string[]
  /** `undefined` while it is not running. Throws `unknown_process`. */
  readonly process: (name: string) => { pid: number } | undefined
  /** Stops it if it runs, starts it, and resolves when it is ready. */
  readonly restart: (name: string) => Promise<void>
  /** To its process group. It is started again by itself, unless `restart: false`. With SIGKILL it resolves at its end. */
  readonly kill: (name: string, signal: NodeJS.Signals, options?: { restart?: boolean }) => Promise<void>
  /** Resolves when a process could not be kept running. */
  readonly failed: Promise<StackFailure>
  /** Worker, API, simulator, Temporal, Postgres, each within its own time; then the data directory is free. Again is fine. */
  readonly stop: () => Promise<void>
  /** Kills everything at once; nothing that was acknowledged is lost. */
  readonly killAll: () => void
}

/**
 * Starts Postgres, Temporal, the simulator if asked, API and workers, and keeps them running. Where `DATABASE_URL` or
 * `TEMPORAL_ADDRESS` is set, nothing is started for that part. Survivors of an earlier start are stopped first. Either all is ready
 * when it resolves, or nothing of it runs when it throws: `data_directory_in_use`, `port_taken`, `start_aborted`, or what the part
 * that failed throws.
 */
export async function startStack(options: StackOptions, onStep: (step: StackStep) => void = () => undefined): Promise<Stack> {
  const apiPort = options.port === 0 ? await findFreePort() : (options.port ?? defaultApiPort)
  const apiUrl = `http://127.0.0.1:${apiPort}`
  const directory = takeDataDirectory(options.dataDir, apiUrl)
  try {
    await stopLeftOvers(directory, onStep)
    await requireFreePort(apiPort, 'API')
    const ports = await choosePorts(options.ports ?? {}, directory.ports())
    directory.savePorts(ports)
    return await startServices({ ...options, directory, apiPort, ports }, onStep)
  } catch (error) {
    directory.release()
    throw error
  }
}

async function stopLeftOvers(directory: DataDirectory, onStep: (step: StackStep) => void): Promise<void> {
  if (runningProcesses(directory.processRecord).length === 0) return
  const steps = createStartSteps(onStep)
  await steps.run(
    'left-overs',
    (notice) => stopSurvivors(directory.processRecord, { stopOrder: stopStep, graceMs: survivorGraceMs, notice }),
    () => 'stopped',
  )
}

type ResolvedOptions = StackOptions & { directory: DataDirectory; apiPort: number; ports: ChosenPorts }

/** Everything after the data directory is ours and the ports are chosen. */
async function startServices(options: ResolvedOptions, onStep: (step: StackStep) => void): Promise<Stack> {
  const { directory, apiPort, ports } = options
  const apiUrl = `http://127.0.0.1:${apiPort}`
  const failure = Promise.withResolvers<StackFailure>()
  const supervisor = createSupervisor({
    onEvent(event) {
      options.onEvent?.(event)
      if (event.type === 'given_up')
        failure.resolve({ name: event.name, reason: event.reason, logPath: logPath(directory, event.name) })
    },
  })
  const steps = createStartSteps(onStep)
  // The first failure ends what runs and what is just starting.
  steps.signal.addEventListener('abort', () => void supervisor.stop(), { once: true })
  const onAbort = (): void => steps.abort(new BatchwrightError('start_aborted', 'Stopped before everything had started'))
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted === true) onAbort()

  try {
    const workerNames = Array.from({ length: options.workers ?? 1 }, (_, index) =>
      index === 0 ? 'worker' : `worker-${index + 1}`,
    )
    for (const name of ['postgres', 'temporal', 'simulator', 'api', ...workerNames]) rotateLog(logPath(directory, name))

    const simulate = options.simulate === false || options.simulate.length === 0 ? false : options.simulate
    const simulatorUrl = simulate === false ? undefined : `http://127.0.0.1:${ports.simulator}`
    const child = (kind: ChildKind, name: string, args: readonly string[], env: NodeJS.ProcessEnv, url?: string): Promise<void> =>
      steps.run(
        name,
        () => supervisor.start(childService(directory, { kind, name, command: options.childCommand, args, env }, url)),
        () => url ?? `pid ${supervisor.process(name)?.pid ?? 'unknown'}`,
      )

    const backends = { directory, supervisor, steps, ports, durable: options.durable ?? true }
    const simulatorData = join(directory.path, 'simulator')
    const simulatorArgs = ['--port', String(ports.simulator), '--data', simulatorData, ...(options.simulatorArgs ?? [])]
    const starting = {
      database: startDatabase(backends),
      temporal: startTemporal(backends),
      simulator:
        simulatorUrl === undefined
          ? undefined
          : child('simulator', 'simulator', simulatorArgs, simulatorEnvironment(process.env, options.env)),
    }
    await steps.settle(Object.values(starting).filter((step) => step !== undefined))
    const databaseUrl = await starting.database
    const temporal = await starting.temporal

    const env = childEnvironment(process.env, {
      databaseUrl,
      temporalAddress: temporal.address,
      temporalNamespace: temporal.namespace,
      temporalIsLocal: temporal.isLocal,
      temporalUiUrl: temporal.uiUrl,
      apiPort,
      simulate,
      simulatorUrl,
      configFile: options.configFile === undefined ? undefined : resolve(options.configFile),
      stripProviderKeys: options.stripProviderKeys ?? false,
      overrides: options.env ?? {},
    })
    // Side by side: the API may call itself ready only when a worker is there.
    await steps.settle([child('api', 'api', [], env, apiUrl), ...workerNames.map((name) => child('worker', name, [], env))])

    let stopped: Promise<void> | undefined
    return {
      apiUrl,
      uiUrl: temporal.uiUrl,
      databaseUrl,
      temporalAddress: temporal.address,
      temporalNamespace: temporal.namespace,
      simulatorUrl,
      dataDir: directory.path,
      logPath: (name) => logPath(directory, name),
      processNames: supervisor.names,
      process: (name) => supervisor.process(name),
      restart: supervisor.restart,
      kill: supervisor.kill,
      failed: failure.promise,
      stop: () => (stopped ??= supervisor.stop().finally(directory.release)),
      killAll: () => killAll(supervisor, directory),
    }
  } catch (error) {
    await supervisor.stop()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
  }
}

function killAll(supervisor: Supervisor, directory: DataDirectory): void {
  // Told to stop first, so that nothing is started again.
  void supervisor.stop()
  killRecordedProcesses(directory.processRecord)
  directory.release()
}
