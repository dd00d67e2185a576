import type { z } from 'zod'
import { formatPath, valueAt } from '../core/json-path.ts'
import { didYouMean } from '../core/nearest-name.ts'

export interface SchemaIssue {
  /** A path like `providers.openai.api_key`, or null for the whole value. */
  field: string | null
  reason: string
}

/** What Zod found wrong, one entry a fault, in words for a person. An unknown key is named with the nearest one that its object has, or with all of them. */
export function describeSchemaIssues(schema: z.ZodType, error: z.ZodError, input: unknown): SchemaIssue[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path)
      return issue.keys.map((key) => ({
        field: formatPath([...issue.path, key]),
        reason: `unknown key${didYouMean(key, known) || listOf(known)}`,
      }))
    }
    if (issue.code === 'invalid_value') {
      const known = issue.values.map(String)
      const given = valueAt(input, issue.path)
      const nearest = typeof given === 'string' ? didYouMean(given, known) : ''
      return [
        { field: formatPath(issue.path), reason: `expected ${known.length === 1 ? '' : 'one of '}${known.join(', ')}${nearest}` },
      ]
    }
    const missing = issue.code === 'invalid_type' && valueAt(input, issue.path) === undefined
    return [
      { field: issue.path.length === 0 ? null : formatPath(issue.path), reason: missing ? 'is missing' : lowered(issue.message) },
    ]
  })
}

/** `field: reason` of each fault, on one line. */
export function joinIssues(issues: readonly SchemaIssue[]): string {
  return issues.map(({ field, reason }) => (field === null ? reason : `${field}: ${reason}`)).join('; ')
}

function listOf(known: readonly string[]): string {
  return known.length === 0 ? '' : ` (there are: ${known.join(', ')})`
}

function lowered(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}

/** The part of Zod's own description of a schema that leads to its children. */
interface Definition {
  readonly shape?: Record<string, z.ZodType>
  readonly valueType?: z.ZodType
  readonly keyType?: z.ZodType
  readonly entries?: Record<string, string>
  readonly innerType?: z.ZodType
  readonly element?: z.ZodType
  readonly in?: z.ZodType
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const definition = schema.def as Definition
  const wrapped = definition.innerType ?? definition.in
  if (wrapped !== undefined) return keysAt(wrapped, path)
  const [first, ...rest] = path
  if (first === undefined)
    return Object.keys(definition.shape ?? (definition.keyType?.def as Definition | undefined)?.entries ?? {})
  const child = definition.shape?.[String(first)] ?? definition.valueType ?? definition.element
  return child === undefined ? [] : keysAt(child, rest)
}
