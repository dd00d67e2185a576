import { readFileSync } from 'node:fs'
import type { Stack } from '../local/stack.ts'

/** The most memory that each process of a stack ever had, in bytes: `VmHWM` of the kernel (proc(5)). `null` where there is no /proc. */
export interface PeakMemory {
  readonly api: number | null
  readonly worker: number | null
  readonly simulator: number | null
  readonly temporal: number | null
  /** The largest of Postgres's processes, shared buffers included as far as it touched them. */
  readonly postgres: number | null
}

export function peakMemoryOf(stack: Stack): PeakMemory {
  const peakOf = (name: string): number | null => {
    const pid = stack.process(name)?.pid
    return pid === undefined ? null : peakBytes(pid)
  }
  return {
    api: peakOf('api'),
    worker: peakOf('worker'),
    simulator: peakOf('simulator'),
    temporal: peakOf('temporal'),
    postgres: largestOfTree(stack.process('postgres')?.pid),
  }
}

function largestOfTree(pid: number | undefined): number | null {
  if (pid === undefined) return null
  const peaks = [pid, ...childrenOf(pid)].map(peakBytes).filter((bytes) => bytes !== null)
  return peaks.length === 0 ? null : Math.max(...peaks)
}

function childrenOf(pid: number): number[] {
  return (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)
}

/** The peak of one process, in bytes. */
export function peakBytes(pid: number | 'self'): number | null {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kibibytes === undefined ? null : Number(kibibytes) * 1024
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
