import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { findStrictViolation } from './openai-strict-schema.ts'

const closed = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
})

test.each([
  ['plain', closed({ a: { type: 'string', description: 'A' }, b: { type: ['number', 'null'], minimum: 0 } })],
  [
    'nested, arrays and unions',
    closed({ a: { type: 'array', items: closed({ b: { anyOf: [{ type: 'string' }, closed({})] } }), maxItems: 3 } }),
  ],
  ['references', closed({ a: { $ref: '#/$defs/node' } }, { $defs: { node: closed({ next: { $ref: '#/$defs/node' } }) } })],
  ['enums and known formats', closed({ a: { enum: ['x', 'y'] }, b: { type: 'string', format: 'date' } })],
])('%s is within the strict subset', (_, schema) => {
  expect(findStrictViolation(schema)).toBeNull()
})

test.each([
  ['an array at the root', { type: 'array', items: { type: 'string' } }, 'the root must be an object'],
  ['an open object', { type: 'object', properties: {} }, '/ does not set additionalProperties: false'],
  ['an optional property', { ...closed({ a: { type: 'string' } }), required: [] }, '/properties/a is not required'],
  [
    'an open object inside',
    closed({ a: { type: 'array', items: { type: 'object' } } }),
    '/properties/a/items does not set additionalProperties: false',
  ],
  ['a default', closed({ a: { type: 'string', default: 'x' } }), '/properties/a uses "default"'],
  ['oneOf', closed({ a: { oneOf: [] } }), '/properties/a uses "oneOf"'],
  ['an unknown format', closed({ a: { type: 'string', format: 'uri' } }), '/properties/a uses the format "uri"'],
  [
    'an open definition',
    closed({ a: { $ref: '#/$defs/b' } }, { $defs: { b: { type: 'object' } } }),
    '/$defs/b does not set additionalProperties: false',
  ],
  [
    'an open branch',
    closed({ a: { anyOf: [{ type: 'string' }, { type: 'object' }] } }),
    '/properties/a/anyOf/1 does not set additionalProperties: false',
  ],
])('%s is outside', (_, schema, violation) => {
  expect(findStrictViolation(schema as JsonObject)).toBe(violation)
})

test('eleven levels are outside', () => {
  let schema = closed({})
  for (let level = 0; level < 11; level++) schema = closed({ a: schema })
  expect(findStrictViolation(schema)).toBe('is nested deeper than 10 levels')
})
