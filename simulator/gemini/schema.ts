import { isObject, type JsonObject } from '../json.ts'
import { camelName } from './field.ts'

const counts = ['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']

/**
 * A `responseSchema` as JSON Schema: its types are in capitals, null is a flag, and counts may be texts
 * (https://ai.google.dev/api/caching#Schema).
 */
export function jsonSchemaOf(schema: unknown): JsonObject {
  if (!isObject(schema)) return {}
  const converted: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(schema)) {
    const keyword = camelName(name)
    if (keyword === 'type') converted['type'] = String(value).toLowerCase()
    else if (keyword === 'properties' && isObject(value))
      converted['properties'] = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, jsonSchemaOf(part)]))
    else if (keyword === 'items') converted['items'] = jsonSchemaOf(value)
    else if (keyword === 'anyOf' && Array.isArray(value)) converted['anyOf'] = value.map(jsonSchemaOf)
    else if (counts.includes(keyword)) converted[keyword] = Number(value)
    // `format: enum` only says that there is an enum.
    else if (keyword === 'format' && value === 'enum') continue
    else converted[keyword] = value
  }
  if (schema['nullable'] !== true) return converted
  return typeof converted['type'] === 'string'
    ? { ...converted, type: [converted['type'], 'null'] }
    : { anyOf: [converted, { type: 'null' }] }
}
