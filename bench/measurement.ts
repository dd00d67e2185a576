/** One number of a benchmark, with the bar that it is held to. */
export interface Measurement {
  readonly name: string
  readonly value: string
  /** What it must be; null: for information. */
  readonly bar: string | null
  readonly isHeld: boolean
}

export function held(name: string, value: string, bar: string, isHeld: boolean): Measurement {
  return { name, value, bar, isHeld }
}

export function information(name: string, value: string): Measurement {
  return { name, value, bar: null, isHeld: true }
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)]
  if (upper === undefined) throw new RangeError('no values, no median')
  return Number.isInteger(middle) ? ((sorted[middle - 1] as number) + upper) / 2 : upper
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

export function megabytes(bytes: number | null): string {
  return bytes === null ? 'unknown' : `${Math.round(bytes / 1e6)} MB`
}

/** Median and all runs: `4.10 s (4.05, 4.10, 4.31)`. */
export function medianOf(runsMs: readonly number[]): string {
  return `${seconds(median(runsMs))} (${runsMs.map((ms) => (ms / 1000).toFixed(2)).join(', ')})`
}

/** The measurements as a Markdown table, which is readable as it is and goes into the docs as it is. */
export function tableOf(measurements: readonly Measurement[]): string {
  const rows = [
    ['what', 'measured', 'bar', ''],
    ...measurements.map(({ name, value, bar, isHeld }) => [name, value, bar ?? '', bar === null ? '' : isHeld ? 'pass' : 'MISS']),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(4, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}
