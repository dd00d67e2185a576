import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { pollUntil } from './poll-until.ts'
import { processCommandLine } from './process-identity.ts'
import { signalGroup } from './running-process.ts'

/** A fast shutdown writes a checkpoint. */
export const postgresStopGraceMs = 30_000

/** After a kill -9 of the server its sessions notice within moments, but one that is deep in a write may take longer. */
export const leftOverSessionsMs = 15_000

/**
 * Makes way for a start on `directory` after a crash. A server that still runs on this data is stopped. Of a dead one Postgres removes
 * `postmaster.pid` by itself, unless its pid still answers signals: as a zombie that nobody reaps (a container without init), or as
 * some other program of the same user. Then it is removed here, once no session of that server is left.
 */
export async function stopLeftOverServer(directory: string, notice: (line: string) => void): Promise<void> {
  const path = join(directory, 'postmaster.pid')
  if (!existsSync(path)) return
  const lines = readFileSync(path, 'utf8').split('\n')
  const pid = Number.parseInt(lines[0] ?? '', 10)
  if (!answersSignals(pid)) return

  const runsOnThisData = (): boolean => processCommandLine(pid)?.includes(directory) ?? false
  if (runsOnThisData()) {
    notice(`Stopping Postgres ${pid}, left over from an earlier start`)
    signalGroup(pid, 'SIGINT')
    const ended = await pollUntil(() => (runsOnThisData() ? undefined : true), { deadlineMs: postgresStopGraceMs })
    if (ended === undefined) signalGroup(pid, 'SIGKILL')
    await pollUntil(() => (runsOnThisData() ? undefined : true), { deadlineMs: 5000 })
  }
  const noSessions = await pollUntil(() => (hasSessions(lines) ? undefined : true), { deadlineMs: leftOverSessionsMs })
  if (noSessions === true) rmSync(path, { force: true })
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/**
 * Whether processes of that server are still attached to its shared memory: what Postgres itself asks before it starts. Line 7 of
 * `postmaster.pid` holds key and id of the segment (https://www.postgresql.org/docs/18/storage-file-layout.html).
 */
function hasSessions(pidFileLines: readonly string[]): boolean {
  const segmentId = /^\s*\d+\s+(\d+)\s*$/.exec(pidFileLines[6] ?? '')?.[1]
  if (segmentId === undefined || !existsSync('/proc/sysvipc/shm')) return false
  return readFileSync('/proc/sysvipc/shm', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([, id, , , , , attached]) => id === segmentId && attached !== '0')
}
