import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { checkSchema } from './json-output.ts'
import { isPlainSchema } from './plain-schema.ts'

test('a schema as most are is plain', () => {
  const schema = {
    type: 'object',
    properties: {
      label: { type: 'string', enum: ['a', 'b'], description: 'what it is' },
      score: { type: ['number', 'null'], minimum: 0, maximum: 10 },
      tags: { type: 'array', items: { anyOf: [{ type: 'string', minLength: 1 }, { type: 'integer' }] } },
    },
    required: ['label', 'score'],
    additionalProperties: false,
  }
  expect(isPlainSchema(schema)).toBe(true)
})

test.each([
  ['a reference', { $ref: '#/$defs/none' }],
  ['a pattern', { properties: { a: { pattern: '(' } } }],
  ['a dialect', { $schema: 'http://json-schema.org/draft-04/schema#' }],
  ['an unknown type', { type: 'objekt' }],
  ['an empty enum', { anyOf: [{ enum: [] }] }],
  ['nullable without a type', { nullable: true }],
  ['an id', { $id: 'https://example.com' }],
  ['items as a list', { items: [{ type: 'string' }] }],
  ['a property that is no schema', { properties: { a: 5 } }],
])('%s is left to the compiler', (_name, schema) => {
  expect(isPlainSchema(schema as JsonObject)).toBe(false)
})

const { constantFrom, integer, string, oneof, array, dictionary, option, letrec } = fc
const types = constantFrom('string', 'number', 'integer', 'object', 'array', 'boolean', 'null')
const anyValue = constantFrom<unknown>(0, 1.5, true, 'a', '', null, ['a'], [], {})
const keywords = {
  type: oneof(types, fc.uniqueArray(types, { minLength: 1 })),
  const: anyValue,
  default: anyValue,
  enum: array(anyValue, { maxLength: 3 }),
  required: fc.uniqueArray(string(), { maxLength: 2 }),
  minimum: integer(),
  exclusiveMaximum: fc.double({ noNaN: true, noDefaultInfinity: true }),
  multipleOf: integer({ min: 0, max: 3 }),
  minLength: integer({ min: -1, max: 3 }),
  maxItems: integer({ min: 0, max: 3 }),
  uniqueItems: oneof(fc.boolean(), anyValue),
  format: oneof(constantFrom('date-time', 'email', 'regex'), string()),
  title: string(),
}

/** Schemas with right values mostly, and some wrong ones, at any depth. */
const { schema } = letrec((tie) => {
  const inner = tie('schema')
  const fields = {
    ...keywords,
    properties: dictionary(oneof(string(), constantFrom('__proto__', 'a"b', 'constructor')), inner, { maxKeys: 3 }),
    items: inner,
    additionalProperties: inner,
    not: inner,
    anyOf: array(inner, { minLength: 1, maxLength: 2 }),
    oneOf: array(inner, { maxLength: 2 }),
  }
  const object = fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, option(value, { nil: undefined, freq: 1 })])),
  )
  return { schema: oneof({ maxDepth: 3 }, fc.boolean(), object) }
})

test('what is plain can be compiled, whatever is in it', () => {
  let plain = 0
  fc.assert(
    fc.property(schema, (candidate) => {
      if (typeof candidate !== 'object') return
      // As it comes from a line: without what is undefined.
      const line = JSON.parse(JSON.stringify(candidate)) as JsonObject
      if (!isPlainSchema(line)) return
      plain += 1
      checkSchema(line)
    }),
    { numRuns: 600 },
  )
  expect(plain).toBeGreaterThan(50)
})

test('a large schema is not taken for plain: what compiling makes of it is for compiling to say', () => {
  const properties = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`p${index}`, { type: 'string' }]))
  expect(isPlainSchema({ type: 'object', properties })).toBe(false)
})
