import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hashHex } from '../random.ts'
import { schemaInstance } from './schema-instance.ts'

type Schema = Parameters<typeof z.fromJSONSchema>[0] & Record<string, unknown>

const cases: Record<string, Schema> = {
  'scalars with bounds': {
    type: 'object',
    properties: {
      text: { type: 'string', minLength: 40, maxLength: 50 },
      short: { type: 'string', maxLength: 5 },
      whole: { type: 'integer', minimum: 3, maximum: 5 },
      above: { type: 'integer', exclusiveMinimum: 7, exclusiveMaximum: 9 },
      part: { type: 'number', minimum: -1, maximum: -0.5 },
      even: { type: 'integer', minimum: 1, multipleOf: 2 },
      yes: { type: 'boolean' },
      nothing: { type: 'null' },
      maybe: { type: ['string', 'null'] },
    },
    required: ['text', 'short', 'whole', 'above', 'part', 'even', 'yes', 'nothing', 'maybe'],
    additionalProperties: false,
  },
  'enum and const': {
    type: 'object',
    properties: { kind: { const: 'x' }, label: { enum: ['a', 'b', 3] } },
    required: ['kind', 'label'],
  },
  'arrays with bounds': {
    type: 'object',
    properties: {
      list: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 4 },
      unique: { type: 'array', items: { enum: ['p', 'q', 'r'] }, minItems: 3, uniqueItems: true },
    },
    required: ['list', 'unique'],
  },
  formats: {
    type: 'object',
    properties: {
      date: { type: 'string', format: 'date' },
      time: { type: 'string', format: 'date-time' },
      mail: { type: 'string', format: 'email' },
      id: { type: 'string', format: 'uuid' },
    },
    required: ['date', 'time', 'mail', 'id'],
  },
  patterns: {
    type: 'object',
    properties: {
      code: { type: 'string', pattern: '^[A-Z]{3}-\\d{4}(x|y)?$' },
      word: { type: 'string', pattern: '^\\w+( [a-c]+){1,2}$' },
    },
    required: ['code', 'word'],
  },
  'anyOf, oneOf and allOf': {
    type: 'object',
    properties: {
      any: { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 5 }] },
      one: { oneOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }, { type: 'null' }] },
      all: {
        allOf: [
          { type: 'object', properties: { b: { type: 'integer' } }, required: ['b'] },
          { type: 'object', properties: { c: { type: 'boolean' } }, required: ['c'] },
        ],
      },
    },
    required: ['any', 'one', 'all'],
  },
  'a tree that refers to itself': {
    $defs: {
      node: {
        type: 'object',
        properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
        required: ['name', 'children'],
      },
    },
    $ref: '#/$defs/node',
  },
  'a list at the top': {
    type: 'array',
    items: { type: 'object', properties: { label: { type: 'string' } }, required: ['label'] },
    minItems: 1,
  },
}

describe('an instance of a schema', () => {
  it.each(Object.keys(cases))('fits: %s', (name) => {
    const schema = cases[name] ?? {}
    const check = z.fromJSONSchema(schema)
    for (let number = 0; number < 60; number++) {
      const fingerprint = hashHex(String(number), 12)
      const value = schemaInstance(schema, fingerprint)
      expect(check.safeParse(value), JSON.stringify(value)).toMatchObject({ success: true })
      expect(schemaInstance(schema, fingerprint)).toEqual(value)
    }
  })

  it('has the fingerprint of its prompt in free text, and differs from prompt to prompt', () => {
    const schema = { type: 'object', properties: { summary: { type: 'string' } }, required: ['summary'] }
    expect(schemaInstance(schema, 'aaaaaaaaaaaa')).toEqual({ summary: expect.stringContaining('[sim:aaaaaaaaaaaa]') })
    expect(schemaInstance(schema, 'bbbbbbbbbbbb')).not.toEqual(schemaInstance(schema, 'aaaaaaaaaaaa'))
  })

  it('of a list of nodes that must contain nodes ends all the same', () => {
    const node = { type: 'object', properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }, required: ['next'] }
    expect(JSON.stringify(schemaInstance(node, '0123456789ab')).length).toBeLessThan(1000)
  })
})
