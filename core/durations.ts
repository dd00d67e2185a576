import { BatchwrightError } from './errors.ts'

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Reads `500ms`, `15s`, `10m`, `1h30m`, `2d` as milliseconds. Throws `invalid_duration`. */
export function parseDurationMs(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  const consumed = parts.reduce((length, part) => length + part[0].length, 0)
  if (parts.length === 0 || consumed !== text.trim().length) {
    throw new BatchwrightError('invalid_duration', `"${text}" is not a duration: write it like 500ms, 15s, 10m or 1h30m`)
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * unitsMs[part[2] as keyof typeof unitsMs], 0)
}

/** `90061000` as `1d 1h`: the two largest units, for people. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`
  let rest = Math.round(durationMs / 1000)
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.slice(0, 2).join(' ')
}
