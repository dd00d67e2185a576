import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { fromGeminiEmbedding } from './gemini-embedding-translation.ts'

describe('embeddings', () => {
  const content = { parts: [{ text: 'x' }] }

  test('of one text, in both spellings', () => {
    expect(fromGeminiEmbedding({ content }).request).toEqual({ kind: 'embed', input: 'x' })
    const { request, warnings } = fromGeminiEmbedding({ model: 'm', content, output_dimensionality: 8, autoTruncate: true })
    expect(request).toEqual({ kind: 'embed', input: 'x', dimensions: 8 })
    expect(warnings).toEqual(['autoTruncate left out: there is nothing like it'])
  })

  test.each<[JsonObject, string]>([
    [{ content, taskType: 'CLUSTERING' }, 'request.taskType: can not'],
    [{ content, title: 'T' }, 'request.title: can not'],
    [{ content: { parts: [{ text: 'x' }, { text: 'y' }] } }, 'request.content.parts: only one text'],
    [{ content: { parts: [{ inlineData: {} }] } }, 'request.content.parts[0].text: is missing'],
    [{ content: { parts: [{ text: '' }] } }, 'request.content.parts[0].text: only one text'],
    [{ content, outputDimensionality: 'x' }, 'request.outputDimensionality: expected a number'],
  ])('%j is refused', (body, message) => {
    expect(() => fromGeminiEmbedding(body)).toThrow(message)
  })
})
