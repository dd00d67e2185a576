import type { Json, JsonObject } from '../core/json.ts'

/**
 * Why a JSON Schema can't be sent as `output_config.format`, or null when it can. What is taken is what Anthropic's SDK leaves where it is
 * (`src/lib/transform-json-schema.ts` of @anthropic-ai/sdk 1.12) and what the guide names beside it.
 * https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export function findUnsupportedSchema(schema: JsonObject): string | null {
  const cached = obstacles.get(schema)
  if (cached !== undefined) return cached
  const obstacle = check(schema, '', { root: schema, within: [], checked: new Set() })
  obstacles.set(schema, obstacle)
  return obstacle
}

// A job's schema is one object for all of its items.
const obstacles = new WeakMap<JsonObject, string | null>()

const annotations: ReadonlySet<string> = new Set(['title', 'description', 'default', '$schema'])
const formats: ReadonlySet<Json> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
])

interface Walk {
  readonly root: JsonObject
  /** References that lead here: one of them again would be a recursion. */
  readonly within: readonly string[]
  readonly checked: Set<string>
}

function check(schema: Json | undefined, path: string, walk: Walk): string | null {
  const at = path || '/'
  if (!isObject(schema)) return `${at} is not a schema object`
  if (isOpenObject(schema)) return `${at} does not set additionalProperties: false`
  for (const [keyword, value] of Object.entries(schema)) {
    if (annotations.has(keyword)) continue
    const obstacle = checkKeyword(keyword, value, path, walk)
    if (obstacle !== null) return obstacle.startsWith('/') ? obstacle : `${at} ${obstacle}`
  }
  return null
}

function isOpenObject(schema: JsonObject): boolean {
  const type = schema['type']
  return (type === 'object' || (Array.isArray(type) && type.includes('object'))) && schema['additionalProperties'] !== false
}

/** An obstacle further inside begins with its path; one of this keyword does not. */
function checkKeyword(keyword: string, value: Json, path: string, walk: Walk): string | null {
  switch (keyword) {
    case 'type':
    case 'required':
      return null
    case 'additionalProperties':
      return value === false ? null : 'sets additionalProperties to something else than false'
    case 'properties':
    case '$defs':
    case 'definitions':
      return checkEach(isObject(value) ? Object.entries(value) : [], `${path}/${keyword}`, walk)
    case 'anyOf':
    case 'allOf':
      return checkEach(Array.isArray(value) ? Object.entries(value) : [], `${path}/${keyword}`, walk)
    case 'items':
      return check(value, `${path}/items`, walk)
    case 'enum':
      return Array.isArray(value) && value.every(isPrimitive) ? null : 'has an enum of more than plain values'
    case 'const':
      return isPrimitive(value) ? null : 'has a const that is not a plain value'
    case 'format':
      return formats.has(value) ? null : `uses the format ${JSON.stringify(value)}`
    case 'minItems':
      return value === 0 || value === 1 ? null : 'uses minItems above 1'
    case '$ref':
      return checkReference(typeof value === 'string' ? value : '', walk)
    default:
      return `uses "${keyword}"`
  }
}

function checkEach(schemas: ReadonlyArray<[string, Json]>, path: string, walk: Walk): string | null {
  for (const [name, schema] of schemas) {
    const obstacle = check(schema, `${path}/${name}`, walk)
    if (obstacle !== null) return obstacle
  }
  return null
}

function checkReference(reference: string, walk: Walk): string | null {
  const match = /^#\/(\$defs|definitions)\/([^/~%]+)$/.exec(reference)
  if (match === null) return `refers to "${reference}", which is not one of its own definitions`
  if (walk.within.includes(reference)) return 'is recursive'
  if (walk.checked.has(reference)) return null
  const definitions = walk.root[match[1] as string]
  const target = isObject(definitions) ? definitions[match[2] as string] : undefined
  const obstacle = check(target, reference.slice(1), { ...walk, within: [...walk.within, reference] })
  if (obstacle === null) walk.checked.add(reference)
  return obstacle
}

function isPrimitive(value: Json): boolean {
  return typeof value !== 'object' || value === null
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
