import { existsSync, writeFileSync } from 'node:fs'
import type { CrashPoint } from '../activities/index.ts'

/**
 * For crash tests: with BATCHWRIGHT_CRASH_AT=<point>, the process kills itself with SIGKILL when it first reaches that point, as a power
 * cut would. BATCHWRIGHT_CRASH_MARKER names a file that remembers that it did, so that the next process goes on.
 */
export function crashPointReacher(environment: NodeJS.ProcessEnv): (point: CrashPoint) => void {
  const crashAt = environment['BATCHWRIGHT_CRASH_AT']
  const marker = environment['BATCHWRIGHT_CRASH_MARKER']
  if (crashAt === undefined || marker === undefined) return () => {}
  return (point) => {
    if (point !== crashAt || existsSync(marker)) return
    writeFileSync(marker, `${point}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
}
