import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { checkOutput, checkSchema, takeJson } from './json-output.ts'

const schema: JsonObject = {
  type: 'object',
  properties: { label: { enum: ['good', 'bad'] }, day: { type: 'string', format: 'date' } },
  required: ['label'],
  additionalProperties: false,
}

describe('taking JSON out of a text', () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    ['  [1]\n', [1]],
    ['```json\n{"a":1}\n```', { a: 1 }],
    ['```\n{"a":1}\n```', { a: 1 }],
    ['Here it is:\n\n```json\n{"a":1}\n```\nHope it helps!', { a: 1 }],
    ['"```json"', '```json'],
  ])('%j', (text, output) => {
    expect(takeJson(text)).toEqual({ ok: true, output })
  })

  test.each([
    ['', 'the answer is empty'],
    ['It is good.', 'the answer is not JSON'],
    ['```json\n{"a":\n```', 'the answer is not JSON'],
    ['```json\n1\n```\nor\n```json\n2\n```', 'the answer has 2 fenced blocks'],
  ])('%j is refused', (text, reason) => {
    expect(takeJson(text)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) })
  })

  test('any JSON comes out as it went in, fenced or not', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value)
        // As it is written again: what no double holds is no number in between.
        expect(JSON.stringify(takeJson(text))).toBe(`{"ok":true,"output":${text}}`)
        if (!text.includes('```'))
          expect(JSON.stringify(takeJson(`Sure.\n\`\`\`json\n${text}\n\`\`\``))).toBe(`{"ok":true,"output":${text}}`)
      }),
    )
  })
})

describe('checking against the schema', () => {
  test.each([
    ['{"label":"good","day":"2026-02-28"}', null],
    ['{"label":"fine"}', '/label must be equal to one of the allowed values (["good","bad"])'],
    ['{"label":"good","mood":1}', 'the answer must NOT have additional properties ("mood")'],
    ['{}', "the answer must have required property 'label'"],
    ['{"label":"good","day":"yesterday"}', '/day must match format "date"'],
  ])('%s', (text, reason) => {
    const checked = checkOutput(text, schema)
    expect(checked.ok ? null : checked.reason).toBe(reason)
  })

  test('a reason is one line', () => {
    const checked = checkOutput('{\n"a":\n', schema)
    expect(checked.ok || checked.reason.includes('\n')).toBe(false)
  })

  test('draft-07 and 2020-12 both work, and two schemas may share an $id', () => {
    const tuple = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'array', items: [{ type: 'number' }] }
    expect(checkOutput('["x"]', tuple).ok).toBe(false)
    expect(
      checkOutput('["x"]', {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'array',
        prefixItems: [{ type: 'number' }],
      }).ok,
    ).toBe(false)
    expect(checkOutput('1', { $id: 'https://example.com/s', type: 'number' }).ok).toBe(true)
    expect(checkOutput('1', { $id: 'https://example.com/s', type: 'string' }).ok).toBe(false)
  })

  test('more schemas than are kept compiled still give right answers', () => {
    for (let index = 0; index < 450; index++) {
      const own = { type: 'object', properties: { value: { const: index % 300 } }, required: ['value'] }
      expect(checkOutput(`{"value":${index % 300}}`, own).ok).toBe(true)
      expect(checkOutput('{"value":-1}', own).ok).toBe(false)
    }
  })
})

test('of schemas that are used once, little is kept: each line of a file may have its own', async () => {
  const used: Array<WeakRef<JsonObject>> = []
  const checkWithOwn = (index: number) => {
    const own = { type: 'object', properties: { value: { const: index } }, required: ['value'] }
    expect(checkOutput(`{"value":${index}}`, own).ok).toBe(true)
    used.push(new WeakRef(own))
  }
  for (let index = 0; index < 2000; index++) checkWithOwn(100_000 + index)
  await nextTurn()
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  collectGarbage()
  expect(used.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(800)
})

test('an answer that is nested too deeply for its schema is no answer, and nothing worse', () => {
  const nested: JsonObject = { $defs: { list: { type: 'array', items: { $ref: '#/$defs/list' } } }, $ref: '#/$defs/list' }
  const depth = 100_000
  expect(checkOutput(`${'['.repeat(depth)}${']'.repeat(depth)}`, nested)).toEqual({
    ok: false,
    reason: 'the answer is nested too deeply',
  })
  expect(checkOutput('[[]]', nested).ok).toBe(true)
})

test('checking against a schema that can not be used says so, every time', () => {
  for (let times = 0; times < 2; times++) {
    expect(() => checkOutput('not even JSON', { type: 'objekt' })).toThrow(expect.objectContaining({ code: 'invalid_schema' }))
  }
})

test('a schema that can not be used is refused before anything is sent', () => {
  expect(() => checkSchema(schema)).not.toThrow()
  expect(() => checkSchema({ type: 'objekt' })).toThrow(/^schema: is not a usable JSON Schema/)
  expect(() => checkSchema({ $ref: '#/$defs/missing' })).toThrow(/not a usable/)
})

test('a price in cents is a multiple of 0.01, whatever binary fractions make of it', () => {
  const schema = { type: 'object', properties: { price: { type: 'number', multipleOf: 0.01 } } }
  for (const price of ['0.07', '19.99', '4.35', '1234567.89'])
    expect(checkOutput(`{"price":${price}}`, schema).ok, price).toBe(true)
  expect(checkOutput('{"price":0.075}', schema).ok).toBe(false)
})

test('what every object inherits is no property of an answer', () => {
  expect(checkOutput('{}', { type: 'object', required: ['constructor'] }).ok).toBe(false)
  expect(checkOutput('{"constructor":1}', { type: 'object', required: ['constructor'] }).ok).toBe(true)
})

test('a schema that would take seconds to compile is refused at once', () => {
  let schema: JsonObject = { type: 'string' }
  for (let level = 0; level < 13; level++) schema = { anyOf: [schema, structuredClone(schema)] }
  expect(() => checkSchema(schema)).toThrow(/more than 10000 objects/)
})
