import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel } from '../core/model-capabilities.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import type { ContentPart, GenerateRequest, Message, NativeRequest } from './canonical-request.ts'
import { noDefaults } from './rendering.ts'
import { renderers } from './renderers.ts'
import { translate } from './translation.ts'

// A request in a provider's terms, and from there back in nobody's: what a renderer writes and a translation reads must mean the same.

const schema: JsonObject = {
  type: 'object',
  properties: {
    label: { type: 'string', enum: ['good', 'bad'], description: 'Of the whole.' },
    score: { type: ['integer', 'null'] },
    tags: { type: 'array', items: { type: 'string' } },
    inner: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false },
  },
  required: ['label', 'score', 'tags', 'inner'],
  additionalProperties: false,
}

const parts: ContentPart[] = [
  { type: 'text', text: 'Look at these:' },
  { type: 'image', url: 'https://x.example/a.png' },
  { type: 'image', data: 'aGVsbG8=', media_type: 'image/png' },
  { type: 'file', data: 'aGVsbG8=', media_type: 'application/pdf', name: 'a.pdf' },
]
const byAddress: ContentPart = { type: 'file', url: 'https://x.example/b.pdf' }
const note: ContentPart = { type: 'file', data: 'aGVsbG8=', media_type: 'text/plain', name: 'note' }

function conversation(content: ContentPart[]): Message[] {
  return [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content },
    {
      role: 'assistant',
      content: 'Let me look.',
      tool_calls: [
        { id: 'c1', name: 'find', arguments: '{"what":"a"}' },
        { id: 'c2', name: 'find', arguments: '{}' },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: '42' },
    { role: 'tool', tool_call_id: 'c2', content: '{"found":true}' },
    { role: 'assistant', content: 'Found.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'And' },
        { type: 'text', text: 'now?' },
      ],
    },
  ]
}

const rich: Omit<GenerateRequest, 'messages'> = {
  kind: 'generate',
  max_tokens: 500,
  temperature: 0.5,
  top_p: 0.9,
  stop: ['END'],
  reasoning_effort: 'high',
  schema,
  tools: [
    { name: 'find', description: 'Finds.', parameters: { type: 'object', properties: { what: { type: 'string' } } } },
    { name: 'stop', parameters: { type: 'object', properties: {} } },
  ],
}

function thereAndBack(kind: ProviderKind, request: GenerateRequest, endpoint: '/v1/chat/completions' | '/v1/responses' | null) {
  const before = structuredClone(request)
  const rendered = renderers[kind](request, { ...noDefaults, model: 'm', endpoint }, () => unknownModel)
  expect(rendered.warnings).toEqual([])
  expect(request).toEqual(before)
  const native: NativeRequest = { kind: 'native', format: kind, endpoint: rendered.endpoint, body: rendered.body }
  return translate(native)
}

test('OpenAI’s chat completions', () => {
  const request = { ...rich, messages: conversation([...parts, note]) }
  expect(thereAndBack('openai', request, '/v1/chat/completions')).toMatchObject({ warnings: [] })
  expect(thereAndBack('openai', request, '/v1/chat/completions').request).toEqual(request)
})

test('OpenAI’s responses, which have no stop sequences', () => {
  const { stop: _stop, ...rest } = rich
  const request = { ...rest, messages: conversation([...parts, byAddress, note]) }
  const { request: back, warnings } = thereAndBack('openai', request, '/v1/responses')
  expect(back).toEqual(request)
  expect(warnings).toEqual([])
})

test('Anthropic', () => {
  const request = { ...rich, messages: conversation([...parts, byAddress, note]) }
  const { request: back, warnings } = thereAndBack('anthropic', request, null)
  expect(back).toEqual(request)
  expect(warnings).toEqual([])
})

test('Gemini, which has no names of files', () => {
  const nameless = parts.map((part) => {
    if (part.type !== 'file') return part
    const { name: _name, ...file } = part
    return file
  })
  const request = { ...rich, messages: conversation([...nameless, byAddress]) }
  const { request: back, warnings } = thereAndBack('gemini', request, null)
  expect(back).toEqual(request)
  // What stands in the place of a signature of Gemini's own.
  expect(warnings).toEqual(['thoughtSignature left out: there is nothing like it'])
})

test.each(['openai', 'gemini'] as const)('an embedding at %s', (kind) => {
  const request = { kind: 'embed' as const, input: 'x', dimensions: 8 }
  const { endpoint, body } = renderers[kind](request, { ...noDefaults, model: 'm' }, () => unknownModel)
  expect(translate({ kind: 'native', format: kind, endpoint, body })).toMatchObject({ request, warnings: [] })
})

test('from each provider to each other one, and back there', () => {
  const request: GenerateRequest = { ...rich, messages: conversation(parts.filter((part) => part.type !== 'file')) }
  const kinds: ProviderKind[] = ['openai', 'anthropic', 'gemini']
  for (const first of kinds) {
    for (const second of kinds.filter((kind) => kind !== first)) {
      const written = renderers[first](request, { ...noDefaults, model: 'm' }, () => unknownModel)
      const native: NativeRequest = { kind: 'native', format: first, endpoint: written.endpoint, body: written.body }
      const translated = renderers[second](native, { ...noDefaults, model: 'n' }, () => unknownModel)
      expect(translated.model).toBe('n')
      expect(translated.body, `${first} to ${second}`).toEqual(
        renderers[second](request, { ...noDefaults, model: 'n' }, () => unknownModel).body,
      )
    }
  }
})
