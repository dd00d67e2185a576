import { expect, test } from 'vitest'
import { placeholderItemId } from '../../core/item-id.ts'
import { parseInputLine } from '../../formats/input-line.ts'
import type { JobDefaults } from '../../formats/rendering.ts'
import { loadCatalog } from '../../models/catalog.ts'
import { createProviderRegistry } from '../../providers/registry.ts'
import { renderedLineBytes } from './rendered-line-size.ts'

const provider = createProviderRegistry(
  [{ name: 'openai', kind: 'openai', apiKey: 'k', baseUrl: null, simulated: false }],
  loadCatalog(),
).find('openai')

const defaults: JobDefaults = {
  model: 'gpt-5-mini',
  modelOverride: null,
  endpoint: null,
  system: 'Be "brief".',
  schema: null,
  maxTokens: 50,
  temperature: null,
}

test.each([
  ['{"prompt":"plain"}', 1],
  ['{"prompt":"é日本🙂 \\"quoted\\"\\n\\t\\\\ \\u0001 \\ud800"}', 36],
  [
    '{"messages":[{"role":"user","content":[{"type":"text","text":"ü"},{"type":"image","url":"https://example.com/ü.png"}]}]}',
    50_000,
  ],
  ['{"method":"POST","url":"/v1/responses","body":{"input":"ö","nested":{"a":[1,2.50,null]}}}', 1_679_616],
])('the size of %s is that of the line that the provider gets', (line, seq) => {
  if (provider === null) throw new Error('openai is not there')
  const rendered = provider.render(parseInputLine(line, 1).request, defaults)
  const id = placeholderItemId(seq)
  expect(renderedLineBytes(id, rendered)).toBe(Buffer.byteLength(`${provider.line(id, rendered)}\n`))
})
