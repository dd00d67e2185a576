import { held, information, megabytes, type Measurement } from './measurement.ts'
import type { PeakMemory } from './peak-memory.ts'

/** With 50,000 items, and with more: it must not grow with them. */
const mostBytes = 400e6
const mostBytesOfMany = mostBytes * 1.15
const many = 100_000

/** Peaks of one benchmark; API and worker are held to their bar. */
export function memoryMeasurements(
  benchmark: string,
  peaks: PeakMemory,
  heldOnes: ReadonlyArray<'api' | 'worker'>,
  items: number,
): Measurement[] {
  const most = items > many ? mostBytesOfMany : mostBytes
  return (['api', 'worker', 'simulator', 'postgres', 'temporal'] as const).flatMap((name) => {
    const bytes = peaks[name]
    const title = `${benchmark}: peak memory, ${name}`
    if (name !== 'api' && name !== 'worker') return bytes === null ? [] : [information(title, megabytes(bytes))]
    if (!heldOnes.includes(name)) return []
    return [held(title, megabytes(bytes), `≤ ${megabytes(most)}`, bytes !== null && bytes <= most)]
  })
}
