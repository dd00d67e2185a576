import { readFileSync, renameSync, writeFileSync } from 'node:fs'

import { z } from 'zod'

import { pollUntil } from './poll-until.ts'
import { isRunning } from './process-identity.ts'
import { type SpawnedProcess, signalIdentifiedGroup } from './running-process.ts'

const recordedProcess = z.object({
  name: z.string(),
  pid: z.number().int().positive(),
  startTime: z.string(),
  stopSignal: z.enum(['SIGTERM', 'SIGINT', 'SIGQUIT']),
})

/** Adds a process to the record at `path`, where the next start finds it if we are killed. Those that ended are left out. */
export function recordProcess(path: string, spawned: SpawnedProcess): void {
  const unfinished = `${path}.unfinished`
  writeFileSync(unfinished, JSON.stringify([...runningProcesses(path), spawned], null, 2), { mode: 0o600 })
  renameSync(unfinished, path)
}

/** The processes of a record that still run: the same pid, started at the same time. A record that can't be read is empty. */
export function runningProcesses(path: string): SpawnedProcess[] {
  let recorded: SpawnedProcess[]
  try {
    recorded = z.array(recordedProcess).parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return []
  }
  return recorded.filter(isRunning)
}

/** Kills all that run of a record, at once, by process group. */
export function killRecordedProcesses(path: string): void {
  for (const running of runningProcesses(path)) signalIdentifiedGroup(running, 'SIGKILL')
}

export type StopSurvivorsOptions = {
  /** Position in the stop order; lower stops first, equal ones together. */
  stopOrder: (name: string) => number
  /** Each gets this long to end before it is killed. */
  graceMs: number
  notice?: (line: string) => void
}

/**
 * Stops what an earlier run of ours left running, found by pid and start time in its record, in stop order and by process group.
 * A process that merely has a recorded pid is left alone. Resolves when all have ended.
 */
export async function stopSurvivors(path: string, { stopOrder, graceMs, notice }: StopSurvivorsOptions): Promise<void> {
  const survivors = runningProcesses(path)
  const steps = [...new Set(survivors.map((survivor) => stopOrder(survivor.name)))].toSorted((a, b) => a - b)
  for (const step of steps) {
    const group = survivors.filter((survivor) => stopOrder(survivor.name) === step)
    await Promise.all(
      group.map(async (survivor) => {
        notice?.(`Stopping ${survivor.name} (pid ${survivor.pid}), left over from an earlier start`)
        const hasEnded = (): true | undefined => (isRunning(survivor) ? undefined : true)
        signalIdentifiedGroup(survivor, survivor.stopSignal)
        if ((await pollUntil(hasEnded, { deadlineMs: graceMs })) === undefined) {
          signalIdentifiedGroup(survivor, 'SIGKILL')
          await pollUntil(hasEnded, { deadlineMs: 10_000 })
        }
      }),
    )
  }
}
