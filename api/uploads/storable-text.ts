import type { SchemaIssue } from '../../config/schema-issues.ts'
import { formatPath } from '../../core/json-path.ts'

/** Postgres takes neither NUL nor half of a surrogate pair in a text. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

export const notStorable = 'has a character that can not be stored (NUL, or half of a surrogate pair)'

/** Every text and key in a value that can't be stored, by its path. Throws RangeError for what is nested too deeply. */
export function findUnstorable(value: unknown, path: readonly PropertyKey[] = []): SchemaIssue[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [issueAt(path)]
  if (Array.isArray(value)) return value.flatMap((element, index) => findUnstorable(element, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, element]) =>
    isStorable(key) ? findUnstorable(element, [...path, key]) : [issueAt(path)],
  )
}

function issueAt(path: readonly PropertyKey[]): SchemaIssue {
  return { field: path.length === 0 ? null : formatPath(path), reason: notStorable }
}
