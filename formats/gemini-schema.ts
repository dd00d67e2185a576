import type { Json, JsonObject } from '../core/json.ts'

/**
 * A JSON Schema in the terms of Gemini's `responseSchema`, which has a part of OpenAPI's; null when it can't be said there. Of the two ways to give a schema it
 * is the older one, and the one that batches are known to follow: with `responseJsonSchema` answers of batches were reported to have the wrong shape, where
 * the same request in realtime was right (https://github.com/crmne/ruby_llm/issues/894).
 * https://ai.google.dev/api/caching#Schema
 */
export function toResponseSchema(schema: JsonObject): JsonObject | null {
  const cached = converted.get(schema)
  if (cached !== undefined) return cached
  const result = convert(schema)
  converted.set(schema, result)
  return result
}

// A job's schema is one object for all of its items.
const converted = new WeakMap<JsonObject, JsonObject | null>()

const types: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object'])

/** Taken with the same name and meaning. */
const sameKeywords: ReadonlySet<string> = new Set([
  'title',
  'description',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'required',
  'default',
])

/** Another format of a text is refused as such. */
const formats: ReadonlySet<Json> = new Set(['date-time', 'float', 'double', 'int32', 'int64'])

function convert(schema: Json | undefined): JsonObject | null {
  if (!isObject(schema)) return null
  const target: JsonObject = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (!convertKeyword(keyword, value, target)) return null
  }
  // Without a type there is nothing that Gemini could make of it.
  if (target['type'] === undefined && target['anyOf'] === undefined) return null
  return target
}

/** False: it can't be said. */
function convertKeyword(keyword: string, value: Json, target: JsonObject): boolean {
  switch (keyword) {
    case '$schema':
      return true
    case 'type':
      return convertType(value, target)
    case 'enum':
      // A list of strings there; others would have to become strings.
      if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) return false
      target['enum'] = value
      return true
    case 'format':
      target['format'] = value
      return formats.has(value)
    case 'properties': {
      if (!isObject(value)) return false
      const entries = Object.entries(value).map(([name, property]) => [name, convert(property)] as const)
      if (entries.some(([, property]) => property === null)) return false
      target['properties'] = Object.fromEntries(entries) as JsonObject
      // Without it the properties come in the order of the alphabet, which is none to think in.
      target['propertyOrdering'] = entries.map(([name]) => name)
      return true
    }
    case 'items': {
      const items = convert(value)
      if (items === null) return false
      target['items'] = items
      return true
    }
    case 'anyOf': {
      if (!Array.isArray(value)) return false
      const branches = value.map((branch) => convert(branch))
      if (branches.includes(null)) return false
      target['anyOf'] = branches
      return true
    }
    case 'additionalProperties':
      // Only what is listed is ever written: a closed object needs no word for it.
      return value === false
    default:
      if (!sameKeywords.has(keyword)) return false
      target[keyword] = value
      return true
  }
}

/** One type, or one and null. */
function convertType(value: Json, target: JsonObject): boolean {
  const named = Array.isArray(value) ? value : [value]
  const others = named.filter((type) => type !== 'null')
  const [type] = others
  if (others.length !== 1 || typeof type !== 'string' || !types.has(type)) return false
  target['type'] = type.toUpperCase()
  if (others.length < named.length) target['nullable'] = true
  return true
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
