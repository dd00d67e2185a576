import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { findUnsupportedSchema } from './anthropic-schema.ts'

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
})

test.each<JsonObject>([
  object({ label: { type: 'string', enum: ['a', 'b'], description: 'x' } }),
  object({ when: { type: 'string', format: 'date-time' }, tags: { type: 'array', items: { type: 'string' }, minItems: 1 } }),
  object({ either: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/part' }] } }, { $defs: { part: object({}) } }),
  object({ a: { $ref: '#/$defs/part' }, b: { $ref: '#/$defs/part' } }, { $defs: { part: { const: 1 } } }),
  // Nothing is required, unlike in OpenAI's subset.
  object({ optional: { type: ['string', 'null'], default: 'x' } }),
])('%j can be sent', (schema) => {
  expect(findUnsupportedSchema(schema)).toBeNull()
})

test.each<[JsonObject, string]>([
  [{ type: 'object' }, '/ does not set additionalProperties: false'],
  [object({ a: { type: 'object', properties: {} } }), '/properties/a does not set additionalProperties: false'],
  [object({}, { additionalProperties: { type: 'string' } }), '/ does not set additionalProperties: false'],
  [object({ n: { type: 'number', minimum: 0 } }), '/properties/n uses "minimum"'],
  [object({ s: { type: 'string', maxLength: 5 } }), '/properties/s uses "maxLength"'],
  [object({ s: { type: 'string', format: 'regex' } }), '/properties/s uses the format "regex"'],
  [object({ l: { type: 'array', minItems: 2 } }), '/properties/l uses minItems above 1'],
  [object({ l: { type: 'array', items: { oneOf: [] } } }), '/properties/l/items uses "oneOf"'],
  [object({ e: { enum: [{ a: 1 }] } }), '/properties/e has an enum of more than plain values'],
  [object({ r: { $ref: 'https://example.com/s' } }), '/properties/r refers to "https://example.com/s"'],
  [object({ r: { $ref: '#/$defs/none' } }), '/$defs/none is not a schema object'],
  [
    object({ r: { $ref: '#/$defs/tree' } }, { $defs: { tree: object({ child: { $ref: '#/$defs/tree' } }) } }),
    '/$defs/tree/properties/child is recursive',
  ],
])('%j can not: %s', (schema, reason) => {
  expect(findUnsupportedSchema(schema)).toContain(reason)
})

test('what was found once is found again', () => {
  const schema: JsonObject = { type: 'object' }
  expect(findUnsupportedSchema(schema)).toBe(findUnsupportedSchema(schema))
})
