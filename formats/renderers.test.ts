import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { placeholderItemId } from '../core/item-id.ts'
import { providerKinds } from '../core/provider-kind.ts'
import { anthropicEnvelopeBytes, lineOf, measureLine } from './renderers.ts'

const rendered = (text: string) => ({ model: 'm', endpoint: '/v1/x', body: { model: 'm', text }, warnings: [] })

test('a line is the provider’s own', () => {
  expect(JSON.parse(lineOf('openai', 'tok-1', rendered('x')))).toEqual({
    custom_id: 'tok-1',
    method: 'POST',
    url: '/v1/x',
    body: { model: 'm', text: 'x' },
  })
  expect(JSON.parse(lineOf('anthropic', 'tok-1', rendered('x')))).toEqual({
    custom_id: 'tok-1',
    params: { model: 'm', text: 'x' },
  })
  expect(JSON.parse(lineOf('gemini', 'tok-1', rendered('x')))).toEqual({ key: 'tok-1', request: { model: 'm', text: 'x' } })
})

test.each(providerKinds)('the size of a line for %s is exact, whatever is in it', (kind) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, seq) => {
      const line = lineOf(kind, placeholderItemId(seq + 1), rendered(text))
      expect(measureLine(kind, placeholderItemId(seq + 1), rendered(text)).bytes).toBe(Buffer.byteLength(line) + 1)
      expect(line).not.toContain('\n')
    }),
  )
})

test('the size of a request to Anthropic is that of its elements and the envelope', () => {
  const items = ['a', 'ü', '\n'].map((text, index) => [placeholderItemId(index + 1), rendered(text)] as const)
  const request = `{"requests":[${items.map(([id, each]) => lineOf('anthropic', id, each)).join(',')}]}`
  const sum = items.reduce((bytes, [id, each]) => bytes + measureLine('anthropic', id, each).bytes, 0)
  expect(Buffer.byteLength(request)).toBe(sum + anthropicEnvelopeBytes)
})
