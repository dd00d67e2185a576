import { expect, test } from 'vitest'
import { estimateBodyTokens, estimateTextTokens, imageTokens } from './token-estimate.ts'

test('text is estimated at or above what a tokenizer counts', () => {
  // Counted with o200k_base.
  expect(estimateTextTokens('The quick brown fox jumps over the lazy dog.')).toBeGreaterThanOrEqual(10)
  expect(estimateTextTokens('敏捷的棕色狐狸跳过了懒狗。')).toBeGreaterThanOrEqual(13)
  expect(estimateTextTokens('')).toBe(0)
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
