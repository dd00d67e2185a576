import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExactJson } from '../core/exact-json.ts'
import type { Json } from '../core/json.ts'
import { imageTokens, measureBody } from './body-size.ts'
import { measureText } from './json-size.ts'

const estimateBodyTokens = (body: Json) => measureBody(body).tokens
const jsonSize = (body: Json) => measureBody(body).bytes
const stringified = (value: Json) => Buffer.byteLength(JSON.stringify(value))

test('text is estimated at or above what a tokenizer counts', () => {
  // Counted with o200k_base.
  expect(estimateBodyTokens('The quick brown fox jumps over the lazy dog.')).toBeGreaterThanOrEqual(10)
  expect(estimateBodyTokens('敏捷的棕色狐狸跳过了懒狗。')).toBeGreaterThanOrEqual(13)
  expect(estimateBodyTokens('')).toBe(1)
  // Its escapes are no part of what a model reads.
  expect(estimateBodyTokens('\n"'.repeat(300))).toBe(201)
})

test('an inlined image counts as an image, not as its text', () => {
  const url = `data:image/png;base64,${'A'.repeat(4_000_000)}`
  const tokens = estimateBodyTokens({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] })
  expect(tokens).toBeGreaterThanOrEqual(imageTokens)
  expect(tokens).toBeLessThan(imageTokens * 1.1)
})

test('an image by URL counts as an image, and names of a schema count', () => {
  expect(estimateBodyTokens([{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }])).toBeGreaterThanOrEqual(
    imageTokens,
  )
  expect(estimateBodyTokens({ properties: { a_long_property_name: {} } })).toBeGreaterThan(
    estimateBodyTokens({ properties: { a: {} } }),
  )
})

test('an embedding request with token ids counts each of them', () => {
  expect(estimateBodyTokens({ input: [1, 2, 3, 4, 5] })).toBeGreaterThanOrEqual(5)
})

test("Gemini's inlined images and files count as what they are, and what it fetches itself as something", () => {
  const blob = (mimeType: string) => ({ inlineData: { mimeType, data: 'A'.repeat(4_000_000) } })
  expect(estimateBodyTokens(blob('image/png'))).toBeLessThan(imageTokens * 1.1)
  expect(estimateBodyTokens(blob('application/pdf'))).toBeGreaterThan(100_000)
  expect(estimateBodyTokens({ fileData: { fileUri: 'https://example.com/a.pdf' } })).toBeGreaterThan(imageTokens)
})

test("Anthropic's inlined images and documents count as what they are", () => {
  const source = (media_type: string) => ({ source: { type: 'base64', media_type, data: 'A'.repeat(4_000_000) } })
  expect(estimateBodyTokens(source('image/png'))).toBeLessThan(imageTokens * 1.1)
  const pages = estimateBodyTokens(source('application/pdf'))
  expect(pages).toBeGreaterThan(100_000)
  expect(pages).toBeLessThan(200_000)
})

test('the size is that of any value as JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 5 }), (value) => {
      expect(jsonSize(value as Json)).toBe(stringified(value as Json))
    }),
  )
})

test.each([
  ['text', fc.string({ unit: 'grapheme', minLength: 500, maxLength: 2000 })],
  ['text of one byte a character', fc.string({ unit: 'binary-ascii', minLength: 200, maxLength: 5000 })],
  [
    'text with halves of characters',
    fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f }), { minLength: 300 }).map((codes) => String.fromCharCode(...codes)),
  ],
])('the size of long %s', (_name, texts) => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(jsonSize(text)).toBe(stringified(text))
      expect(measureText(text).utf8Bytes).toBe(Buffer.byteLength(text))
    }),
  )
})

test.each([16_383, 16_384, 16_385, 40_000])(
  'the size of %s characters, some outside of the basic plane or not whole',
  (length) => {
    for (const end of ['', '\n', '“', '😀', '\ud83d']) {
      const text = 'a"é'.repeat(length).slice(0, length - end.length) + end + 'b'.repeat(30)
      expect(jsonSize(text)).toBe(stringified(text))
      expect(measureText(text).utf8Bytes).toBe(Buffer.byteLength(text))
      expect(jsonSize({ text, more: [text, text] })).toBe(stringified({ text, more: [text, text] }))
    }
  },
)

test('the size of what is left out, of empty values, and of numbers that no double holds', () => {
  const value = { a: undefined as unknown as Json, b: 1e21, c: -0, '': [], d: {} }
  expect(jsonSize(value)).toBe(stringified(value))
  const exact = '{"id":12345678901234567890,"x":[1e999]}'
  expect(jsonSize(parseExactJson(exact) as Json)).toBe(exact.length)
})
