import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { fromGeminiSchema } from './gemini-json-schema.ts'
import { checkOutput } from './json-output.ts'

const convert = (schema: JsonObject, closed = true) => fromGeminiSchema({ value: schema, path: 's' }, closed)

test.each<[JsonObject, JsonObject]>([
  [{ type: 'STRING' }, { type: 'string' }],
  [{ type: 'string' }, { type: 'string' }],
  [{ type: 'TYPE_UNSPECIFIED', description: 'D' }, { description: 'D' }],
  [{ type: 'STRING', nullable: false }, { type: 'string' }],
  [{ type: 'STRING', nullable: true }, { type: ['string', 'null'] }],
  [{ type: 'NULL', nullable: true }, { type: 'null' }],
  [
    { type: 'STRING', format: 'enum', enum: ['a', 'b'] },
    { type: 'string', enum: ['a', 'b'] },
  ],
  [
    { type: 'STRING', enum: ['a'], nullable: true },
    { type: ['string', 'null'], enum: ['a', null] },
  ],
  [
    { type: 'INTEGER', enum: ['1', '2'] },
    { type: 'integer', enum: [1, 2] },
  ],
  [
    { type: 'INTEGER', format: 'int32', minimum: 1, maximum: 5 },
    { type: 'integer', format: 'int32', minimum: 1, maximum: 5 },
  ],
  [
    { type: 'STRING', format: 'date-time', pattern: '^2' },
    { type: 'string', format: 'date-time', pattern: '^2' },
  ],
  [
    { type: 'STRING', minLength: '1', max_length: '9' },
    { type: 'string', minLength: 1, maxLength: 9 },
  ],
  [
    { type: 'ARRAY', items: { type: 'NUMBER' }, minItems: '1', maxItems: 3 },
    { type: 'array', items: { type: 'number' }, minItems: 1, maxItems: 3 },
  ],
  [
    { any_of: [{ type: 'STRING' }, { type: 'INTEGER' }], nullable: true },
    { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] },
  ],
  [
    { type: 'STRING', title: 'T', default: 'x', example: 'y' },
    { type: 'string', title: 'T', default: 'x', examples: ['y'] },
  ],
  [{ type: 'OBJECT' }, { type: 'object' }],
  [
    { type: 'OBJECT', properties: { max_items: { type: 'BOOLEAN' } }, required: ['max_items'], minProperties: '1' },
    {
      type: 'object',
      properties: { max_items: { type: 'boolean' } },
      required: ['max_items'],
      minProperties: 1,
      additionalProperties: false,
    },
  ],
  [
    { type: 'OBJECT', properties: { a: { type: 'STRING' } }, additionalProperties: { type: 'STRING' } },
    { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } },
  ],
])('%j', (schema, expected) => {
  expect(convert(schema)).toEqual(expected)
})

test('properties come in the order that is asked for, those that it does not name at the end', () => {
  const properties = { a: { type: 'STRING' }, b: { type: 'STRING' }, c: { type: 'STRING' } }
  const schema = convert({ type: 'OBJECT', properties, propertyOrdering: ['c', 'b', 'none'] })
  expect(Object.keys(schema['properties'] as JsonObject)).toEqual(['c', 'b', 'a'])
  expect(schema).not.toHaveProperty('propertyOrdering')
})

test('parameters of a function are left open', () => {
  const properties = { a: { type: 'STRING' } }
  expect(convert({ type: 'OBJECT', properties }, false)).toEqual({ type: 'object', properties: { a: { type: 'string' } } })
})

test.each<[JsonObject, string]>([
  [{ type: 'TUPLE' }, 's.type: "TUPLE" is no type'],
  [{ type: 3 }, 's.type: expected a text'],
  [
    { type: 'OBJECT', properties: { a: { type: 'OBJECT', properties: { b: { $ref: '#' } } } } },
    's.properties.a.properties.b.$ref: can not',
  ],
  [{ type: 'ARRAY', items: { type: 'X' } }, 's.items.type'],
  [{ anyOf: [{ type: 'STRING' }, { type: 'X' }] }, 's.anyOf[1].type'],
  [{ type: 'ARRAY', min_items: 'many' }, 's.min_items: expected a number'],
  [{ type: 'ARRAY', min_items: '1', minItems: '1' }, 's.minItems: is given twice'],
])('%j is refused by its path', (schema, message) => {
  expect(() => convert(schema)).toThrow(message)
})

test('what comes out checks answers as Gemini would', () => {
  const schema = convert({
    type: 'OBJECT',
    properties: { mood: { type: 'STRING', enum: ['good', 'bad'], nullable: true }, size: { type: 'INTEGER', enum: ['1', '2'] } },
    required: ['mood'],
  })
  expect(checkOutput('{"mood":null,"size":2}', schema)).toMatchObject({ ok: true })
  expect(checkOutput('{"mood":"good"}', schema)).toMatchObject({ ok: true })
  for (const wrong of ['{"mood":"ugly"}', '{"size":1}', '{"mood":"bad","size":3}', '{"mood":"bad","more":1}'])
    expect(checkOutput(wrong, schema), wrong).toMatchObject({ ok: false })
})
