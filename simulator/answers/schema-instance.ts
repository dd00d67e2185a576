import { pick, randomFrom, type Random } from '../random.ts'
import { formattedString, stringFor } from './schema-string.ts'

type Schema = Readonly<Record<string, unknown>>

/** Beyond this depth a schema that refers to itself is filled with as little as it allows. */
const deep = 5
const deepest = 40

interface Context {
  readonly root: Schema
  readonly random: Random
  readonly mark: string
}

/**
 * An instance that fits a JSON schema, the same for the same fingerprint; free text carries the mark `[sim:<fingerprint>]`. Covers what structured outputs
 * of the providers take (https://developers.openai.com/api/docs/guides/structured-outputs); `not`, `if` and `patternProperties` are ignored, `pattern` is
 * best effort.
 */
export function schemaInstance(schema: Schema, fingerprint: string): unknown {
  const random = randomFrom(Number.parseInt(fingerprint.slice(0, 8), 16))
  return instanceOf(schema, { root: schema, random, mark: `[sim:${fingerprint}]` }, 'value', 0)
}

function instanceOf(given: unknown, context: Context, name: string, depth: number): unknown {
  if (!isSchema(given) || depth > deepest) return null
  const schema = resolve(given, context, depth)
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return pick(context.random, schema['enum'] as unknown[])
  switch (typeOf(schema, context, depth)) {
    case 'object':
      return objectFor(schema, context, depth)
    case 'array':
      return arrayFor(schema, context, name, depth)
    case 'integer':
      return numberFor(schema, context, true)
    case 'number':
      return numberFor(schema, context, false)
    case 'boolean':
      return context.random() < 0.5
    case 'null':
      return null
    default:
      return typeof schema['format'] === 'string' || typeof schema['pattern'] === 'string'
        ? formattedString(schema, context.random, context.mark)
        : stringFor(schema, context.random, name, context.mark)
  }
}

/** Follows `$ref`, merges `allOf`, takes one branch of `anyOf` or `oneOf`. */
function resolve(given: Schema, context: Context, depth: number): Schema {
  let schema = given
  for (let step = 0; step < deepest; step++) {
    const { $ref: reference, allOf, anyOf, oneOf, ...rest } = schema
    if (typeof reference === 'string') {
      schema = merge(lookUp(context.root, reference), rest)
    } else if (Array.isArray(allOf)) {
      const parts = allOf.filter(isSchema).map((part) => resolve(part, context, depth + 1))
      schema = parts.reduce(merge, {
        ...rest,
        ...(anyOf === undefined ? {} : { anyOf }),
        ...(oneOf === undefined ? {} : { oneOf }),
      })
    } else if (Array.isArray(anyOf) || Array.isArray(oneOf)) {
      const branches = [anyOf, oneOf].filter(Array.isArray).map((list) => branchOf(list.filter(isSchema), context, depth))
      schema = branches.reduce(merge, rest)
    } else return schema
  }
  return schema
}

function branchOf(branches: readonly Schema[], context: Context, depth: number): Schema {
  const ending = branches.filter((branch) => branch['$ref'] === undefined)
  const scalar = ending.find((branch) => branch['type'] !== 'object' && branch['type'] !== 'array')
  if (depth > deep) return scalar ?? ending[0] ?? branches[0] ?? {}
  return branches.length === 0 ? {} : pick(context.random, branches)
}

function lookUp(root: Schema, reference: string): Schema {
  let found: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/')) {
    if (part === '') continue
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    found = typeof found === 'object' && found !== null ? (found as Schema)[key] : undefined
  }
  return isSchema(found) ? found : {}
}

function merge(one: Schema, other: Schema): Schema {
  const merged: Record<string, unknown> = { ...one, ...other }
  if (isSchema(one['properties']) && isSchema(other['properties']))
    merged['properties'] = { ...one['properties'], ...other['properties'] }
  if (Array.isArray(one['required']) && Array.isArray(other['required'])) {
    merged['required'] = [...new Set<unknown>([...(one['required'] as unknown[]), ...(other['required'] as unknown[])])]
  }
  for (const [key, keep] of [
    ['minimum', Math.max],
    ['maximum', Math.min],
    ['minLength', Math.max],
    ['maxLength', Math.min],
    ['minItems', Math.max],
    ['maxItems', Math.min],
  ] as const) {
    const [left, right] = [one[key], other[key]]
    if (typeof left === 'number' && typeof right === 'number') merged[key] = keep(left, right)
  }
  return merged
}

function typeOf(schema: Schema, context: Context, depth: number): string {
  const type = schema['type']
  if (Array.isArray(type)) {
    const types = type.filter((name) => typeof name === 'string')
    if (depth > deep && types.includes('null')) return 'null'
    // Null is allowed, but says nothing: one time in four is enough to exercise it.
    const present = types.filter((name) => name !== 'null')
    return present.length === 0 || (types.length > present.length && context.random() < 0.25)
      ? 'null'
      : pick(context.random, present)
  }
  if (typeof type === 'string') return type
  if (isSchema(schema['properties']) || Array.isArray(schema['required'])) return 'object'
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'array'
  if (typeof schema['minimum'] === 'number' || typeof schema['maximum'] === 'number') return 'number'
  return 'string'
}

function objectFor(schema: Schema, context: Context, depth: number): Record<string, unknown> {
  const properties = isSchema(schema['properties']) ? schema['properties'] : {}
  const required = new Set(Array.isArray(schema['required']) ? schema['required'].map(String) : [])
  const entries: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(properties)) {
    if (!required.has(name) && (depth >= deep || context.random() < 0.3)) continue
    entries[name] = instanceOf(property, context, name, depth + 1)
  }
  for (const name of required) if (!(name in entries)) entries[name] = additional(schema, context, name, depth)
  const least = numberOf(schema['minProperties'], 0)
  for (let index = 1; Object.keys(entries).length < least; index++)
    entries[`key${index}`] = additional(schema, context, `key${index}`, depth)
  return entries
}

function additional(schema: Schema, context: Context, name: string, depth: number): unknown {
  return instanceOf(
    isSchema(schema['additionalProperties']) ? schema['additionalProperties'] : { type: 'string' },
    context,
    name,
    depth + 1,
  )
}

function arrayFor(schema: Schema, context: Context, name: string, depth: number): unknown[] {
  const first = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : []
  const values = first.map((item) => instanceOf(item, context, name, depth + 1))
  if (schema['items'] === false) return values
  const least = Math.max(numberOf(schema['minItems'], 0), values.length)
  const most = numberOf(schema['maxItems'], Math.max(least, 3))
  const wanted = depth >= deep ? least : Math.min(most, Math.max(least, 1 + Math.floor(context.random() * 3)))
  const seen = new Set(values.map((value) => JSON.stringify(value)))
  for (let tries = 0; values.length < wanted && tries < wanted + 200; tries++) {
    const value = instanceOf(schema['items'] ?? { type: 'string' }, context, name, depth + 1)
    if (schema['uniqueItems'] === true && seen.has(JSON.stringify(value))) continue
    seen.add(JSON.stringify(value))
    values.push(value)
  }
  return values
}

function numberFor(schema: Schema, context: Context, whole: boolean): number {
  const step = numberOf(schema['multipleOf'], whole ? 1 : 0.01)
  const least = numberOf(schema['minimum'], numberOf(schema['exclusiveMinimum'], Number.NEGATIVE_INFINITY))
  const most = numberOf(schema['maximum'], numberOf(schema['exclusiveMaximum'], Number.POSITIVE_INFINITY))
  const low = Number.isFinite(least) ? least : Number.isFinite(most) ? Math.min(0, most) : 0
  const high = Number.isFinite(most) ? most : low + (whole ? 100 : 1)
  const excluded = (value: number): boolean => value === schema['exclusiveMinimum'] || value === schema['exclusiveMaximum']
  const [from, to] = [Math.ceil(low / step), Math.floor(high / step)]
  if (from > to) return low + (high - low) / 2
  const at = (index: number): number => (whole ? index * step : Number((index * step).toPrecision(12)))
  const chosen = at(from + Math.floor(context.random() * (to - from + 1)))
  if (!excluded(chosen)) return chosen
  for (const index of [from, from + 1, to - 1, to]) if (index >= from && index <= to && !excluded(at(index))) return at(index)
  return low + (high - low) / 2
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
