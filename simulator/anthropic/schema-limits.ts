import { isObject, type JsonObject } from '../json.ts'

const unsupported: Readonly<Record<string, readonly string[]>> = {
  integer: ['exclusiveMaximum', 'exclusiveMinimum', 'maximum', 'minimum', 'multipleOf'],
  number: ['exclusiveMaximum', 'exclusiveMinimum', 'maximum', 'minimum', 'multipleOf'],
  string: ['maxLength', 'minLength'],
  array: ['maxItems', 'uniqueItems'],
  object: ['maxProperties', 'minProperties', 'patternProperties'],
}

/**
 * What structured outputs don't take of JSON Schema, in the words of the API; null if they take all of it. The rules:
 * https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations. That a schema must not refer to itself isn't checked.
 */
export function schemaProblem(schema: unknown): string | null {
  if (!isObject(schema)) return null
  for (const type of typesOf(schema)) {
    const refused = (unsupported[type] ?? []).filter((name) => schema[name] !== undefined)
    if (refused.length > 0) {
      const names = refused.length === 1 ? `property '${refused[0]}' is` : `properties ${refused.join(', ')} are`
      return `For '${type}' type, ${names} not supported`
    }
    if (type === 'object' && schema['additionalProperties'] !== false)
      return "For 'object' type, 'additionalProperties' must be explicitly set to false"
    const least = schema['minItems']
    if (type === 'array' && least !== undefined && least !== 0 && least !== 1)
      return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
  }
  for (const part of partsOf(schema)) {
    const problem = schemaProblem(part)
    if (problem !== null) return problem
  }
  return null
}

function typesOf({ type, properties }: JsonObject): string[] {
  if (Array.isArray(type)) return type.map(String)
  if (typeof type === 'string') return [type]
  return properties === undefined ? [] : ['object']
}

function partsOf(schema: JsonObject): unknown[] {
  const parts: unknown[] = [schema['items']]
  for (const name of ['anyOf', 'allOf', 'oneOf', 'prefixItems'])
    if (Array.isArray(schema[name])) parts.push(...(schema[name] as unknown[]))
  for (const name of ['properties', '$defs', 'definitions'])
    if (isObject(schema[name])) parts.push(...Object.values(schema[name]))
  return parts
}
