import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * A process, told apart from a later one that was given the same pid. `startTime` is opaque: compare it, don't read it.
 */
export type ProcessIdentity = { pid: number; startTime: string }

/**
 * When the process with this pid started, as an opaque text that no other process with the same pid shares; `null` if there is
 * none. A zombie counts as gone: it runs nothing and holds nothing, and an init that doesn't reap would keep it for ever.
 */
export function processStartTime(pid: number): string | null {
  return process.platform === 'linux' ? startTimeOnLinux(pid) : startTimeByPs(pid)
}

/** The identity of a running process; `null` if there is none with this pid. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const startTime = processStartTime(pid)
  return startTime === null ? null : { pid, startTime }
}

/** Whether exactly this process runs: the same pid started at the same time. */
export function isRunning(identity: ProcessIdentity): boolean {
  return processStartTime(identity.pid) === identity.startTime
}

/** The command line of a running process as one text, for recognising a program; `null` if there is no such process. */
export function processCommandLine(pid: number): string | null {
  if (processStartTime(pid) === null) return null
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return ps(pid, 'command=')
  } catch {
    return null
  }
}

function startTimeOnLinux(pid: number): string | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  // proc_pid_stat(5): the command in parentheses may itself hold spaces and parentheses, so fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  const ticksSinceBoot = fields[19]
  if (ticksSinceBoot === undefined || state === 'Z' || state === 'X') return null
  return `${bootId()}:${ticksSinceBoot}`
}

let cachedBootId: string | undefined

/** Start times count from boot, so a record from before a reboot must match nothing. */
function bootId(): string {
  cachedBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return cachedBootId
}

function startTimeByPs(pid: number): string | null {
  try {
    const line = ps(pid, 'stat=,lstart=')
    const separator = line.indexOf(' ')
    if (separator === -1 || line.startsWith('Z')) return null
    return line.slice(separator).trim()
  } catch {
    return null
  }
}

function ps(pid: number, columns: string): string {
  return execFileSync('ps', ['-ww', '-o', columns, '-p', String(pid)], {
    encoding: 'utf8',
    // The start time is printed in the locale and time zone of whoever asks.
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
