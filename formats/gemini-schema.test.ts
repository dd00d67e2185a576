import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { toResponseSchema } from './gemini-schema.ts'

test('types in capitals, null as nullable, the order of properties, closed objects without a word', () => {
  expect(
    toResponseSchema({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      title: 'T',
      properties: {
        z: { type: ['string', 'null'], enum: ['a', 'b'], description: 'd' },
        a: { type: 'array', items: { type: 'integer', minimum: 0, format: 'int32' }, maxItems: 3 },
        at: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'boolean' }] },
      },
      required: ['z'],
      additionalProperties: false,
    }),
  ).toEqual({
    type: 'OBJECT',
    title: 'T',
    properties: {
      z: { type: 'STRING', nullable: true, enum: ['a', 'b'], description: 'd' },
      a: { type: 'ARRAY', items: { type: 'INTEGER', minimum: 0, format: 'int32' }, maxItems: 3 },
      at: { anyOf: [{ type: 'STRING', format: 'date-time' }, { type: 'BOOLEAN' }] },
    },
    propertyOrdering: ['z', 'a', 'at'],
    required: ['z'],
  })
})

test.each<JsonObject>([
  { type: 'object', properties: { a: { $ref: '#/$defs/a' } } },
  { type: 'object', additionalProperties: true },
  { type: 'object', additionalProperties: { type: 'string' } },
  { type: ['string', 'number'] },
  { type: 'integer', enum: [1, 2] },
  { const: 'a' },
  { type: 'string', format: 'email' },
  { oneOf: [{ type: 'string' }] },
  { type: 'array', items: [{ type: 'string' }] },
  { type: 'object', properties: { a: true } },
  {},
])('%j can not be said', (schema) => {
  expect(toResponseSchema(schema)).toBeNull()
})
