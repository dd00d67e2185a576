import type { z } from 'zod'
import { formatPath, valueAt } from '../core/json-path.ts'
import { didYouMean } from '../core/nearest-name.ts'
import type { LineProblem } from './input-line.ts'

type Issue = z.core.$ZodIssue

/**
 * Turns the first thing that Zod found wrong in `input` into a field path and one reason for a person. `knownFields` are the names that an
 * unknown top-level field is compared with.
 */
export function describeIssues(issues: readonly Issue[], input: unknown, knownFields: readonly string[]): LineProblem {
  const issue = deepest(issues[0] as Issue)
  const path = formatPath(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] as string
    const suggestion = issue.path.length === 0 ? didYouMean(key, knownFields) : ''
    return { field: formatPath([...issue.path, key]), reason: `unknown field${suggestion}` }
  }
  const value = valueAt(input, issue.path)
  // A check of ours says itself what is missing; otherwise Zod only says what it expected.
  const missing = value === undefined && !(issue.code === 'custom' && issue.message.startsWith('is missing'))
  return { field: path === '' ? null : path, reason: missing ? 'is missing' : sentence(issue, value) }
}

/** In a union, the branch that got furthest is the one that the writer meant. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const candidates = issue.errors.map((branch) => branch[0]).filter((first) => first !== undefined)
  const best = candidates.reduce<Issue | undefined>(
    (longest, first) => (longest === undefined || first.path.length > longest.path.length ? first : longest),
    undefined,
  )
  if (best === undefined || best.path.length === 0) return issue
  const inner = deepest(best)
  return { ...inner, path: [...issue.path, ...inner.path] }
}

function sentence(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${named(issue.expected)}, got ${received(value)}`
    case 'invalid_union': {
      const expected = new Set(issue.errors.flat().map((inner) => (inner.code === 'invalid_type' ? named(inner.expected) : '')))
      expected.delete('')
      if (expected.size > 0) return `expected ${[...expected].join(' or ')}, got ${received(value)}`
      // No branch fits the discriminator; Zod lists the ones there are.
      return lowered(
        issue.message
          .replace(/^.*\. /, '')
          .replaceAll(' | ', ' or ')
          .replaceAll("'", '"'),
      )
    }
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`
    case 'unrecognized_keys':
    case 'too_big':
    case 'too_small':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return lowered(issue.message)
  }
}

function named(type: string): string {
  if (type === 'record') return 'an object'
  if (type === 'int') return 'a whole number'
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

function received(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value)
  return Array.isArray(value) ? 'an array' : named(typeof value)
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
