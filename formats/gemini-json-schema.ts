import type { Json, JsonObject } from '../core/json.ts'
import {
  type NativeField,
  type NativeFields,
  readCamelCaseObject,
  requireList,
  requireObject,
  requireText,
  take,
} from './native-fields.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Taken with the same name and meaning. */
const sameKeywords = ['title', 'description', 'pattern', 'minimum', 'maximum', 'default', 'required', 'format'] as const

/** Numbers of 64 bits, which Google's JSON writes as texts. */
const counts = ['minItems', 'maxItems', 'minProperties', 'maxProperties', 'minLength', 'maxLength'] as const

const types: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'])

/**
 * A schema in Gemini's terms (a part of OpenAPI's, with types in capitals) as JSON Schema. What Gemini writes for an object with `properties` has no others; with
 * `closed` the JSON Schema says so, because there it goes without saying that it may. https://ai.google.dev/api/caching#Schema
 */
export function fromGeminiSchema(field: NativeField, closed: boolean): JsonObject {
  return readCamelCaseObject(field, (fields) => toJsonSchema(fields, closed))
}

function toJsonSchema(fields: NativeFields, closed: boolean): JsonObject {
  const schema: JsonObject = {}
  const type = takeType(fields)
  if (type !== null) schema['type'] = type
  for (const name of sameKeywords) {
    const given = take(fields, name)
    // An enum of texts says it twice.
    if (given !== undefined && !(name === 'format' && given.value === 'enum')) schema[name] = given.value
  }
  for (const name of counts) {
    const count = take(fields, name)
    if (count !== undefined) schema[name] = toNumber(count)
  }
  const values = take(fields, 'enum')
  if (values !== undefined) schema['enum'] = requireList(values).map((value) => toValue(value, type))
  const example = take(fields, 'example')
  if (example !== undefined) schema['examples'] = [example.value]
  const items = take(fields, 'items')
  if (items !== undefined) schema['items'] = fromGeminiSchema(items, closed)
  const branches = take(fields, 'anyOf')
  if (branches !== undefined) schema['anyOf'] = requireList(branches).map((branch) => fromGeminiSchema(branch, closed))
  addProperties(schema, fields, closed)
  if (take(fields, 'nullable')?.value === true) allowNull(schema)
  return schema
}

function takeType(fields: NativeFields): string | null {
  const field = take(fields, 'type')
  if (field === undefined || field.value === 'TYPE_UNSPECIFIED') return null
  const type = requireText(field).toLowerCase()
  if (!types.has(type)) throw unsupportedRequest(field.path, `${JSON.stringify(field.value)} is no type of Gemini's`)
  return type
}

/** In the order in which they are to be written: others write them as the schema has them. */
function addProperties(schema: JsonObject, fields: NativeFields, closed: boolean): void {
  const properties = take(fields, 'properties')
  const additional = take(fields, 'additionalProperties')
  if (additional !== undefined) {
    const isSwitch = typeof additional.value === 'boolean'
    schema['additionalProperties'] = isSwitch ? additional.value : fromGeminiSchema(additional, closed)
  }
  if (properties === undefined) return
  const ordering = take(fields, 'propertyOrdering')
  const given = requireObject(properties.value, properties.path)
  const ordered = ordering === undefined ? [] : requireList(ordering).map(requireText)
  const names = new Set([...ordered.filter((name) => Object.hasOwn(given, name)), ...Object.keys(given)])
  schema['properties'] = Object.fromEntries(
    [...names].map((name) => [
      name,
      fromGeminiSchema({ value: given[name] as Json, path: `${properties.path}.${name}` }, closed),
    ]),
  )
  if (closed) schema['additionalProperties'] ??= false
}

/** `nullable` is beside a type there, and a type among others here. */
function allowNull(schema: JsonObject): void {
  const { type, enum: values, anyOf: branches } = schema
  if (typeof type === 'string' && type !== 'null') schema['type'] = [type, 'null']
  if (Array.isArray(values) && !values.includes(null)) schema['enum'] = [...values, null]
  if (Array.isArray(branches)) schema['anyOf'] = [...branches, { type: 'null' }]
}

/** Gemini's enums are of texts, whatever the type is. */
function toValue({ value, path }: NativeField, type: string | null): Json {
  if (type === 'integer' || type === 'number') return toNumber({ value, path })
  return value
}

function toNumber({ value, path }: NativeField): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) throw unsupportedRequest(path, 'expected a number')
  return number
}
