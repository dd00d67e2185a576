import { describeError } from '../core/errors.ts'
import { describeExit, type ProcessExit, type RunningProcess } from './running-process.ts'

export type ServiceDefinition = {
  name: string
  /** Lower ones are stopped first, equal ones together. */
  stopStep: number
  /** How long it may take to end before it is killed. */
  stopGraceMs: number
  /**
   * Starts the process and resolves when it is ready. When the signal aborts, or it does not get ready, it must leave nothing running
   * and throw. `automatic`: it is started again after a crash, not because someone asked.
   */
  start: (context: { automatic: boolean; signal: AbortSignal }) => Promise<RunningProcess>
}

export type RestartPolicy = {
  /** Pause before the first restart; doubled for each crash soon after the one before. */
  initialDelayMs: number
  maxDelayMs: number
  /** A process that lived longer than this after it was ready starts with the initial pause again. */
  settledAfterMs: number
  /** So many starts in a row that never got ready, and it is given up. */
  maxFailedStarts: number
}

export const defaultRestartPolicy: RestartPolicy = {
  initialDelayMs: 250,
  maxDelayMs: 5000,
  settledAfterMs: 10_000,
  maxFailedStarts: 5,
}

export type ServiceEvent =
  | { type: 'ended'; name: string; exit: ProcessExit; restartInMs: number }
  | { type: 'start_failed'; name: string; reason: string; restartInMs: number }
  | { type: 'restarted'; name: string; pid: number }
  | { type: 'given_up'; name: string; reason: string }
  | { type: 'stopped'; name: string }

export type SupervisedService = {
  readonly definition: ServiceDefinition
  /** The process that is ready; `undefined` while there is none. */
  readonly process: () => RunningProcess | undefined
  /** Starts it, or if it runs stops and starts it. Resolves when it is ready; throws what the start throws, and then it stays down. */
  readonly restart: () => Promise<void>
  /** Sends a signal. With `restart: false` it then stays down until `restart()`. Resolves at its end if the signal is SIGKILL. */
  readonly kill: (signal: NodeJS.Signals, options?: { restart?: boolean }) => Promise<void>
  /** From now on it is not started again when it ends. */
  readonly letEnd: () => void
  /** Stops it for good, also in the middle of a start. */
  readonly stop: () => Promise<void>
}

/** Keeps one process running: starts it again after a crash, with a growing pause, and gives up when it never gets ready. */
export function superviseService(
  definition: ServiceDefinition,
  policy: RestartPolicy,
  onEvent: (event: ServiceEvent) => void,
): SupervisedService {
  const { name } = definition
  let wanted = false
  let current: RunningProcess | undefined
  let starting: { done: Promise<void>; abort: AbortController } | undefined
  let timer: NodeJS.Timeout | undefined
  let crashesInARow = 0
  let failedStarts = 0

  const launch = (automatic: boolean): Promise<void> => {
    const abort = new AbortController()
    const done = (async () => {
      try {
        const process = await definition.start({ automatic, signal: abort.signal })
        current = process
        failedStarts = 0
        watch(process)
      } finally {
        starting = undefined
      }
    })()
    starting = { done, abort }
    return done
  }

  const watch = (process: RunningProcess): void => {
    const readyAt = performance.now()
    void process.exited.then((exit) => {
      if (current !== process) return
      current = undefined
      if (!wanted) return
      crashesInARow = performance.now() - readyAt < policy.settledAfterMs ? crashesInARow + 1 : 1
      const restartInMs = scheduleRestart(crashesInARow)
      onEvent({ type: 'ended', name, exit, restartInMs })
    })
  }

  const scheduleRestart = (failures: number): number => {
    const delayMs = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** (failures - 1))
    timer = setTimeout(() => void startAgain(), delayMs)
    return delayMs
  }

  const startAgain = async (): Promise<void> => {
    timer = undefined
    try {
      await launch(true)
      if (current !== undefined) onEvent({ type: 'restarted', name, pid: current.pid })
    } catch (error) {
      if (!wanted) return
      failedStarts += 1
      const reason = describeError(error)
      if (failedStarts >= policy.maxFailedStarts) {
        wanted = false
        onEvent({ type: 'given_up', name, reason })
        return
      }
      onEvent({ type: 'start_failed', name, reason, restartInMs: scheduleRestart(crashesInARow + failedStarts) })
    }
  }

  const letEnd = (): void => {
    wanted = false
    clearTimeout(timer)
    timer = undefined
  }

  const bringDown = async (): Promise<void> => {
    letEnd()
    starting?.abort.abort()
    // Whether that start failed is its starter's to tell.
    await starting?.done.catch(() => undefined)
    const process = current
    current = undefined
    await process?.stop(definition.stopGraceMs)
  }

  return {
    definition,
    process: () => current,
    async restart() {
      await bringDown()
      wanted = true
      crashesInARow = 0
      failedStarts = 0
      try {
        await launch(false)
      } catch (error) {
        wanted = false
        throw error
      }
    },
    async kill(signal, { restart = true } = {}) {
      if (!restart) wanted = false
      const process = current
      process?.signal(signal)
      if (signal === 'SIGKILL') await process?.exited
    },
    letEnd,
    async stop() {
      const ran = current !== undefined || starting !== undefined
      await bringDown()
      if (ran) onEvent({ type: 'stopped', name })
    },
  }
}

/** One line for a person; where its log is, is for the caller to add. */
export function describeServiceEvent(event: ServiceEvent): string {
  switch (event.type) {
    case 'ended':
      return `${event.name} ended (${describeExit(event.exit)}), starting it again in ${event.restartInMs} ms`
    case 'start_failed':
      return `${event.name} did not start (${event.reason}), trying again in ${event.restartInMs} ms`
    case 'restarted':
      return `${event.name} runs again (pid ${event.pid})`
    case 'given_up':
      return `${event.name} can't be kept running: ${event.reason}`
    case 'stopped':
      return `${event.name} stopped`
    default:
      return event satisfies never
  }
}
