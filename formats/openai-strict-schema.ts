import type { Json, JsonObject } from '../core/json.ts'

/**
 * Why a JSON Schema is outside the subset that OpenAI takes with `strict: true`, or null when it is inside. A schema outside is sent as it
 * is, with `strict: false`: making fields required or closing objects on our own would change what the user asked for.
 * https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas
 */
export function findStrictViolation(schema: JsonObject): string | null {
  const cached = violations.get(schema)
  if (cached !== undefined) return cached
  const violation = checkRoot(schema)
  violations.set(schema, violation)
  return violation
}

// A job's schema is one object for all of its items.
const violations = new WeakMap<JsonObject, string | null>()

const maxProperties = 5_000
const maxDepth = 10

/** Whatever is not here is refused by OpenAI, annotations like `default` included. */
const allowedKeywords = new Set([
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'enum',
  'const',
  'anyOf',
  '$ref',
  '$defs',
  'definitions',
  'title',
  'description',
  '$schema',
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'multipleOf',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
])

const allowedFormats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'])

function checkRoot(schema: JsonObject): string | null {
  if (schema['type'] !== 'object') return 'the root must be an object'
  if (schema['anyOf'] !== undefined) return 'the root must not be anyOf'
  const counter = { properties: 0 }
  return (
    check(schema, '', 1, counter) ?? (counter.properties > maxProperties ? `has more than ${maxProperties} properties` : null)
  )
}

function check(schema: Json | undefined, path: string, depth: number, counter: { properties: number }): string | null {
  if (!isObject(schema)) return `${path || '/'} is not a schema object`
  const unsupported = Object.keys(schema).find((keyword) => !allowedKeywords.has(keyword))
  if (unsupported !== undefined) return `${path || '/'} uses "${unsupported}"`
  if (typeof schema['format'] === 'string' && !allowedFormats.has(schema['format']))
    return `${path || '/'} uses the format "${schema['format']}"`
  if (depth > maxDepth) return `is nested deeper than ${maxDepth} levels`
  const isObjectType = schema['type'] === 'object' || (Array.isArray(schema['type']) && schema['type'].includes('object'))
  if (isObjectType) {
    const violation = checkObject(schema, path, depth, counter)
    if (violation !== null) return violation
  }
  if (schema['items'] !== undefined) {
    const violation = check(schema['items'], `${path}/items`, depth + 1, counter)
    if (violation !== null) return violation
  }
  for (const [index, branch] of (Array.isArray(schema['anyOf']) ? schema['anyOf'] : []).entries()) {
    const violation = check(branch, `${path}/anyOf/${index}`, depth, counter)
    if (violation !== null) return violation
  }
  for (const container of ['$defs', 'definitions']) {
    for (const [name, definition] of Object.entries(isObject(schema[container]) ? schema[container] : {})) {
      const violation = check(definition, `${path}/${container}/${name}`, depth, counter)
      if (violation !== null) return violation
    }
  }
  return null
}

function checkObject(schema: JsonObject, path: string, depth: number, counter: { properties: number }): string | null {
  if (schema['additionalProperties'] !== false) return `${path || '/'} does not set additionalProperties: false`
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  for (const [name, property] of Object.entries(properties)) {
    counter.properties += 1
    if (!required.includes(name)) return `${path}/properties/${name} is not required`
    const violation = check(property, `${path}/properties/${name}`, depth + 1, counter)
    if (violation !== null) return violation
  }
  return null
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
