import type { Json, JsonObject } from '../core/json.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** One field of a native request: what is in it, and its path in the user's line. */
export interface NativeField {
  readonly value: Json
  readonly path: string
}

/** The fields of an object by name, until someone takes them. */
export interface NativeFields {
  readonly path: string
  readonly left: Map<string, NativeField>
}

/**
 * Reads an object, and refuses the first field that `read` did not take, because nobody knows what would be lost with it. There is no other way to an object's
 * fields, so that none can be forgotten. Null is as good as no field.
 */
export function readObject<Read>(field: NativeField, read: (fields: NativeFields) => Read): Read {
  return readFields(
    collectFields(field, (name) => name),
    read,
  )
}

/** Names that are written `like_this` are found as `likeThis`: Google's APIs take both. https://protobuf.dev/programming-guides/json/ */
export function readCamelCaseObject<Read>(field: NativeField, read: (fields: NativeFields) => Read): Read {
  const fields = collectFields(field, (name) =>
    name.replaceAll(/(?<=.)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  )
  return readFields(fields, read)
}

function readFields<Read>(fields: NativeFields, read: (fields: NativeFields) => Read): Read {
  const result = read(fields)
  refuseRest(fields)
  return result
}

function collectFields({ value, path }: NativeField, nameOf: (written: string) => string): NativeFields {
  const left = new Map<string, NativeField>()
  for (const [written, each] of Object.entries(requireObject(value, path))) {
    if (each === null) continue
    const name = nameOf(written)
    if (left.has(name)) throw unsupportedRequest(`${path}.${written}`, `is given twice, also as ${name}`)
    left.set(name, { value: each, path: `${path}.${written}` })
  }
  return { path, left }
}

export function take({ left }: NativeFields, name: string): NativeField | undefined {
  const field = left.get(name)
  left.delete(name)
  return field
}

export function takeText(fields: NativeFields, name: string): string | undefined {
  const field = take(fields, name)
  return field === undefined ? undefined : requireText(field)
}

export function takeRequired(fields: NativeFields, name: string): NativeField {
  const field = take(fields, name)
  if (field === undefined) throw unsupportedRequest(`${fields.path}.${name}`, 'is missing')
  return field
}

export function takeRequiredText(fields: NativeFields, name: string): string {
  return requireText(takeRequired(fields, name))
}

/** Takes fields that say nothing to anyone else, without a word: docs/providers.md lists them. */
export function takeSilently(fields: NativeFields, ...names: readonly string[]): void {
  for (const name of names) take(fields, name)
}

/** Takes a field that says nothing with one of these values, and is refused with any other. */
export function takeOnly(fields: NativeFields, name: string, ...values: readonly Json[]): void {
  const field = take(fields, name)
  if (field === undefined || values.some((value) => JSON.stringify(value) === JSON.stringify(field.value))) return
  throw unsupportedRequest(
    field.path,
    values.length === 0 ? cannot : `only ${values.map((value) => JSON.stringify(value)).join(' and ')} can be translated`,
  )
}

/** Throws for the first field that nobody took: where something else would be said of an object without it. */
export function refuseRest({ left }: NativeFields): void {
  for (const { path } of left.values()) throw unsupportedRequest(path, cannot)
}

const cannot = 'can not be translated'

export function requireList({ value, path }: NativeField): NativeField[] {
  if (!Array.isArray(value)) throw unsupportedRequest(path, 'expected an array')
  return value.map((each, index) => ({ value: each, path: `${path}[${index}]` }))
}

export function requireObject(value: Json | undefined, path: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unsupportedRequest(path, 'expected an object')
  return value
}

export function requireText({ value, path }: NativeField): string {
  if (typeof value !== 'string') throw unsupportedRequest(path, 'expected a text')
  return value
}
