import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'

import { BatchwrightError } from '../core/errors.ts'
import { openLog } from './log-file.ts'
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'

/** Postgres gives each of them a meaning of its own. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT'

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null }

export type ProcessCommand = {
  name: string
  command: string
  args: readonly string[]
  /** The whole environment: nothing is inherited. */
  env: NodeJS.ProcessEnv
  /** stdout and stderr are appended here. */
  logPath: string
  cwd?: string
  /** Run as this user; only root can. */
  user?: { uid: number; gid: number } | undefined
  /** Told to end with this signal. Default SIGTERM. */
  stopSignal?: StopSignal
  /** Told at once, before anything waits, so that a record on disk can find the process after a crash of ours. */
  onSpawn?: ((spawned: SpawnedProcess) => void) | undefined
}

export type SpawnedProcess = ProcessIdentity & { name: string; stopSignal: StopSignal }

export type RunningProcess = {
  readonly name: string
  readonly pid: number
  readonly logPath: string
  /** Resolves at its end, never rejects. */
  readonly exited: Promise<ProcessExit>
  /** How it ended; `undefined` while it runs. */
  readonly exit: () => ProcessExit | undefined
  /** Sends a signal to its process group. Does nothing once it has ended. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** Asks it to end, and kills its process group after `graceMs`. Resolves when it has ended; again is fine. */
  readonly stop: (graceMs: number) => Promise<ProcessExit>
}

/**
 * Starts a process as the leader of its own process group, so that a Ctrl-C in the terminal reaches only us and we decide who ends
 * when. Throws `process_not_started` if the command can't be run.
 */
export async function startProcess(options: ProcessCommand): Promise<RunningProcess> {
  const { name, logPath, stopSignal = 'SIGTERM' } = options
  const log = openLog(logPath)
  const child = spawn(options.command, options.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.user,
  })
  closeSync(log)
  const pid = child.pid
  if (pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once('error', resolve))
    throw new BatchwrightError('process_not_started', `${name} could not be started: ${cause.message}`, { cause })
  }
  // An error after the spawn can only be a signal that could not be delivered, which `exited` shows anyway.
  child.on('error', () => undefined)

  const identity = identifyProcess(pid)
  if (identity !== null) options.onSpawn?.({ ...identity, name, stopSignal })

  let exit: ProcessExit | undefined
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal }
      resolve(exit)
    })
  })
  const signal = (value: NodeJS.Signals): void => {
    if (exit === undefined) signalGroup(pid, value)
  }
  return {
    name,
    pid,
    logPath,
    exited,
    exit: () => exit,
    signal,
    async stop(graceMs) {
      signal(stopSignal)
      const timer = setTimeout(() => signal('SIGKILL'), graceMs)
      const result = await exited
      clearTimeout(timer)
      return result
    },
  }
}

/** Sends a signal to the process group that `pid` leads. A group that has ended is fine. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // macOS answers EPERM, not ESRCH, for a group of which only zombies are left.
    const gone = error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')
    if (!gone) throw error
  }
}

/** Sends a signal to the process group of exactly this process; does nothing if it has ended and its pid is someone else's. */
export function signalIdentifiedGroup(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isRunning(identity)) signalGroup(identity.pid, signal)
}

/** "exit code 1" or "signal SIGKILL". */
export function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`
}
