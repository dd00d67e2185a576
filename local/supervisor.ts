import { BatchwrightError } from '../core/errors.ts'
import { boundLog } from './log-file.ts'
import type { RunningProcess } from './running-process.ts'
import {
  defaultRestartPolicy,
  type RestartPolicy,
  type ServiceDefinition,
  type ServiceEvent,
  type SupervisedService,
  superviseService,
} from './supervised-service.ts'

const logCheckIntervalMs = 10_000

export type Supervisor = {
  /** Adds a service, starts it and keeps it running. Resolves when it is ready; throws what its start throws. */
  readonly start: (definition: ServiceDefinition) => Promise<void>
  /** The process that is ready under this name; `undefined` while there is none. Throws `unknown_process`. */
  readonly process: (name: string) => RunningProcess | undefined
  readonly names: () => string[]
  /** Resolves when it is ready again. Throws `unknown_process`, and what its start throws: then it stays down. */
  readonly restart: (name: string) => Promise<void>
  /** Sends a signal; it is started again after it ended, unless `restart: false`. Throws `unknown_process`. */
  readonly kill: (name: string, signal: NodeJS.Signals, options?: { restart?: boolean }) => Promise<void>
  /** Stops everything in stop order, each within its own time. Again returns the same promise. */
  readonly stop: () => Promise<void>
}

/** Keeps several processes running together. */
export function createSupervisor(
  options: { onEvent?: (event: ServiceEvent) => void; policy?: Partial<RestartPolicy> } = {},
): Supervisor {
  const policy = { ...defaultRestartPolicy, ...options.policy }
  const services = new Map<string, SupervisedService>()
  let stopping: Promise<void> | undefined

  const logTimer = setInterval(() => {
    for (const service of services.values()) {
      const logPath = service.process()?.logPath
      if (logPath !== undefined) boundLog(logPath)
    }
  }, logCheckIntervalMs)
  logTimer.unref()

  const find = (name: string): SupervisedService => {
    const service = services.get(name)
    if (service !== undefined) return service
    throw new BatchwrightError(
      'unknown_process',
      `There is no process "${name}" here; there are ${[...services.keys()].join(', ')}`,
    )
  }

  const stopInOrder = async (): Promise<void> => {
    clearInterval(logTimer)
    // What ends by itself meanwhile, or is killed by an impatient second Ctrl-C, must not come back.
    for (const service of services.values()) service.letEnd()
    const steps = [...new Set([...services.values()].map((service) => service.definition.stopStep))].toSorted((a, b) => a - b)
    for (const step of steps) {
      const together = [...services.values()].filter((service) => service.definition.stopStep === step)
      await Promise.all(together.map((service) => service.stop()))
    }
  }

  return {
    async start(definition) {
      if (stopping !== undefined)
        throw new BatchwrightError('supervisor_stopped', `${definition.name} is not started any more: stopping`)
      const service = superviseService(definition, policy, (event) => options.onEvent?.(event))
      services.set(definition.name, service)
      await service.restart()
    },
    process: (name) => find(name).process(),
    names: () => [...services.keys()],
    restart: (name) => find(name).restart(),
    kill: (name, signal, killOptions) => find(name).kill(signal, killOptions),
    stop() {
      stopping ??= stopInOrder()
      return stopping
    },
  }
}
