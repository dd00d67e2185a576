import { afterAll, beforeAll, expect, test } from 'vitest'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, createTestApi, type TestApi } from '../test/api.ts'
import type { Model } from './contracts/models.ts'

const directory = mkdtempSync(join(tmpdir(), 'batchwright-models-'))
let api: TestApi

beforeAll(async () => {
  const file = join(directory, 'batchwright.yaml')
  writeFileSync(
    file,
    `providers: { lab: { kind: openai, base_url: https://lab.example/v1, api_key: k } }
models:
  openai:
    my-model: { type: chat, context: 8000 }
    gpt-4o-mini:
      type: chat
      prices: [{ from: 2020-01-01, realtime: { input: '1', output: '2' }, batch: { input: '0.5', output: '1' } }]
`,
  )
  api = await createTestApi({ environment: { BATCHWRIGHT_CONFIG: file } })
})
afterAll(async () => {
  await api.close()
  rmSync(directory, { recursive: true })
})

async function list(query: string): Promise<Model[]> {
  return ((await answerOf(api.request(`/v1/models${query}`))) as { data: Model[] }).data
}

test('every provider is there, with limits, capabilities and prices', async () => {
  const models = await list('?limit=1000')
  expect(new Set(models.map(({ provider }) => provider))).toEqual(new Set(['openai', 'anthropic', 'gemini']))
  expect(models.find(({ name }) => name === 'claude-haiku-4-5')).toMatchObject({
    provider: 'anthropic',
    context_tokens: 200_000,
    capabilities: { structured_output: true, embeddings: false },
    prices: {
      from: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      realtime: { input: '1', output: '5' },
      batch: { input: '0.5', output: '2.5' },
      source: expect.stringMatching(/^https:/),
    },
  })
})

test('the models of the configuration are among them, and win', async () => {
  expect(await list('?provider=openai&name=my-model')).toMatchObject([{ context_tokens: 8000, prices: null }])
  expect(await list('?name=GPT-4o-Mini')).toContainEqual(
    expect.objectContaining({ name: 'gpt-4o-mini', prices: expect.objectContaining({ source: 'batchwright.yaml' }) }),
  )
})

test('a provider with a name of its own has the models of its kind', async () => {
  const models = await list('?provider=lab&name=my-model')
  expect(models).toMatchObject([{ provider: 'lab', kind: 'openai', name: 'my-model' }])
})

test('pages follow one another without a gap', async () => {
  const all = await list('?limit=1000&provider=gemini')
  const paged: Model[] = []
  let cursor = ''
  do {
    const page = (await answerOf(api.request(`/v1/models?provider=gemini&limit=4${cursor}`))) as {
      data: Model[]
      next_cursor: string | null
    }
    paged.push(...page.data)
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`
  } while (cursor !== '')
  expect(paged).toEqual(all)
  expect(all.length).toBeGreaterThan(4)
})

test('an unknown provider is named with the nearest one, an unknown filter too', async () => {
  const unknown = await api.request('/v1/models?provider=opanai')
  expect(unknown.status).toBe(422)
  expect(await answerOf(unknown)).toMatchObject({
    code: 'unknown_provider',
    detail: expect.stringContaining('did you mean "openai"?'),
  })
  expect(await answerOf(api.request('/v1/models?nmae=x'))).toMatchObject({
    errors: [{ reason: expect.stringContaining('"name"') }],
  })
})
