import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { configFileSchema } from '../config/config-schema.ts'
import { formatKey, listConfigKeys } from '../config/config-keys.ts'
import { environmentSchema } from '../config/environment.ts'
import { fillBlocks } from './generated-blocks.ts'
import { generateDocuments } from './generate.ts'

test('docs/cli.md and docs/config.md say what the commands and the schema say (npm run docs)', async () => {
  for (const { path, is, shouldBe } of await generateDocuments()) expect(is, `${path}: run npm run docs`).toBe(shouldBe)
})

test('the example of batchwright.yaml can be used, and has every part of it', () => {
  const document = readFileSync(new URL('./config.md', import.meta.url), 'utf8')
  const example: unknown = parse(/```yaml\n([^]*?)```/.exec(document)?.[1] ?? '')
  const checked = configFileSchema.safeParse(example)
  expect(checked.error?.issues ?? []).toEqual([])
  expect(Object.keys(example as object).toSorted()).toEqual(Object.keys(configFileSchema.shape).toSorted())
})

test('the example of each key is one that the schema takes', () => {
  for (const { path, example } of listConfigKeys()) {
    if (example === undefined || path.includes('[]')) continue
    const keys = path.map((part) => (part === '<name>' || part === '<kind>' ? 'openai' : part === '<model>' ? 'my-model' : part))
    const value = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), example)
    const withUrl =
      path[0] === 'webhooks' && path[1] === 'secret' ? { webhooks: { url: 'https://a.example', secret: example } } : value
    expect(configFileSchema.safeParse(withUrl).error?.issues ?? [], formatKey(path)).toEqual([])
  }
})

test('every variable is documented', () => {
  for (const [name, schema] of Object.entries(environmentSchema.shape)) {
    expect(schema.meta()?.description, name).toMatch(/\.$/)
    expect(schema.meta()?.['readBy'], name).toBeDefined()
  }
})

test('a block that is not ended, not known or not there is an error, and what is around one stays', () => {
  const document = 'Before.\n\n<!-- generated: a -->\nold\n<!-- end of a -->\n\nAfter.\n'
  expect(fillBlocks(document, { a: 'new' })).toBe('Before.\n\n<!-- generated: a -->\n\nnew\n\n<!-- end of a -->\n\nAfter.\n')
  expect(fillBlocks(fillBlocks(document, { a: 'new' }), { a: 'new' })).toBe(fillBlocks(document, { a: 'new' }))
  expect(() => fillBlocks(document.replace('end of a', 'end of b'), { a: 'new' })).toThrow('does not end')
  expect(() => fillBlocks(document, {})).toThrow('nothing makes the block "a"')
  expect(() => fillBlocks('', { a: 'new' })).toThrow('there is no block "a"')
})
