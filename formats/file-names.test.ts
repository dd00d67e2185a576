import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel } from '../core/model-capabilities.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { parseInputLine } from './input-line.ts'
import { renderers } from './renderers.ts'
import { noDefaults } from './rendering.ts'

function render(kind: ProviderKind, line: JsonObject) {
  const { request } = parseInputLine(JSON.stringify(line), 1)
  return renderers[kind](request, { ...noDefaults, model: 'm', endpoint: '/v1/responses' }, () => unknownModel)
}

const said = (content: JsonObject): JsonObject[] => [{ role: 'user', content: [content] }]
const data = 'data:application/pdf;base64,aGk='
const lines: Array<[string, JsonObject]> = [
  ['messages[0].content[0].name', { prompt: [{ type: 'file', url: data, name: 'Report' }] }],
  ['messages[0].content[0].name', { prompt: [{ type: 'file', url: 'https://x.example/a.pdf', name: 'Report' }] }],
  [
    'messages[0].content[0].title',
    {
      params: {
        max_tokens: 1,
        messages: said({ type: 'document', title: 'Report', source: { type: 'url', url: 'https://x.example/a.pdf' } }),
      },
    },
  ],
  [
    'messages[0].content[0].file.filename',
    {
      url: '/v1/chat/completions',
      body: { messages: said({ type: 'file', file: { filename: 'Report', file_data: data } }) },
    },
  ],
  [
    'input[0].content[0].filename',
    { url: '/v1/responses', body: { input: said({ type: 'input_file', filename: 'Report', file_data: data }) } },
  ],
]

test.each(lines)('Gemini is not told the name of a file, and that is said: %s', (path, line) => {
  const { body, warnings } = render('gemini', line)
  expect(JSON.stringify(body)).not.toContain('Report')
  expect(warnings).toEqual([`${path} left out: Gemini is not told the names of files`])
})

test.each(lines)('Anthropic is told it as the title: %s', (_, line) => {
  expect(render('anthropic', line)).toMatchObject({
    body: { messages: said({ type: 'document', title: 'Report' }) },
    warnings: [],
  })
})

test('a name that is no text is refused by its path', () => {
  const line = {
    params: { max_tokens: 1, messages: said({ type: 'document', title: 1, source: { type: 'url', url: 'https://x' } }) },
  }
  expect(() => render('gemini', line)).toThrow('params.messages[0].content[0].title: expected a text')
})
