import { z } from 'zod'

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration: milliseconds as a number, or text such as `500ms`, `10s`, `1h30m`. Read as milliseconds. */
export const durationMs = z.union([z.number().nonnegative(), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    context.addIssue({ code: 'custom', message: `"${value}" is not a duration: write it like 500ms, 10s or 1h30m` })
    return z.NEVER
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (unitsMs[part[2] ?? 'ms'] ?? 1), 0)
})
