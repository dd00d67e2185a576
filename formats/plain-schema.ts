import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import type { JsonObject } from '../core/json.ts'

// ajv-formats is CommonJS: under Node its default export is the module itself.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default
const ajv = new Ajv2020({ strict: false, logger: false })
addFormats(ajv)

/**
 * True for a JSON Schema that can be compiled for certain, without compiling it: that takes a millisecond even for a small one, and a file may have one a
 * line. It has keywords only with which nothing but a wrong value can go wrong (no references, patterns or ids), and the dialect's own schema, which is
 * compiled already, finds no wrong value. False says nothing: compile it.
 */
export function isPlainSchema(schema: JsonObject): boolean {
  return (
    countSchemas(schema, largestPlain) <= largestPlain &&
    hasPlainKeywords(schema, deepestPlain) &&
    ajv.validateSchema(schema) === true
  )
}

/** Compiling recurses; what is nested more deeply is left to it. */
const deepestPlain = 30
/** Objects and arrays in a schema; what is larger may be too much to compile. */
const largestPlain = 1000

/** How many objects and arrays a value is made of, counted no further than just above `most`. */
export function countSchemas(value: unknown, most: number): number {
  const waiting: unknown[] = [value]
  let count = 0
  while (waiting.length > 0 && count <= most) {
    const next = waiting.pop()
    if (typeof next !== 'object' || next === null) continue
    count += 1
    for (const child of Object.values(next)) waiting.push(child)
  }
  return count
}

const plainKeywords = new Set([
  'type',
  'const',
  'required',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'format',
  'title',
  'description',
  'default',
  'examples',
])

function hasPlainKeywords(schema: unknown, depth: number): boolean {
  if (typeof schema === 'boolean') return true
  if (depth === 0 || typeof schema !== 'object' || schema === null || Array.isArray(schema)) return false
  return Object.entries(schema).every(([keyword, value]) => {
    switch (keyword) {
      case 'items':
      case 'additionalProperties':
      case 'not':
        return hasPlainKeywords(value, depth - 1)
      case 'properties':
        return isObject(value) && Object.values(value).every((property) => hasPlainKeywords(property, depth - 1))
      case 'anyOf':
      case 'allOf':
      case 'oneOf':
        return Array.isArray(value) && value.every((branch) => hasPlainKeywords(branch, depth - 1))
      case 'enum':
        // The dialect takes an empty one, Ajv does not.
        return Array.isArray(value) && value.length > 0
      default:
        return plainKeywords.has(keyword)
    }
  })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
