import { formatDuration } from '../core/durations.ts'

/** `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 item`, `2 items`; the plural of all our nouns is an s, or told. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`
}

/** `195.3 MB`, in powers of ten as file sizes are. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** How long ago, in its two largest units. */
export function formatAge(instant: string, nowMs: number): string {
  return `${formatDuration(Math.max(0, Math.round((nowMs - Date.parse(instant)) / 1000) * 1000))} ago`
}

/** `$1.24`; below a cent as many digits as it takes to be seen. The exact amount is in `--json`. */
export function formatMoney(dollars: string): string {
  const value = Number(dollars)
  if (value === 0) return '$0.00'
  if (Math.abs(value) >= 0.01) return `$${value.toFixed(2)}`
  // Two digits that count, and never as 2.0e-8.
  return `$${value.toFixed(1 - Math.floor(Math.log10(Math.abs(value))))}`
}
