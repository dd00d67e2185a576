import { describe, expect, test } from 'vitest'
import { loadCatalog, requireKnownModel } from './catalog.ts'

const catalog = loadCatalog()
const now = new Date('2026-11-21T00:00:00Z')

describe('models/openai.yaml', () => {
  test('every price of a batch is at most the realtime price, and every source an OpenAI page', () => {
    for (const model of catalog.modelNames('openai')) {
      const prices = catalog.prices('openai', model, now)
      expect(prices, model).not.toBeNull()
      if (prices === null) continue
      expect(prices.batch.input * 2n, model).toBe(prices.realtime.input)
      expect(prices.batch.output * 2n, model).toBe(prices.realtime.output)
      expect(prices.source, model).toMatch(/^https:\/\/(developers|help)\.openai\.com\//)
    }
  })

  test('the limits are those that OpenAI documents', () => {
    expect(catalog.providerLimits('openai')).toMatchObject({
      maxRequests: 50_000,
      maxBytes: 200_000_000,
      expiresAfterMs: 86_400_000,
    })
  })

  test('reasoning models, embeddings and models of one endpoint are told apart', () => {
    expect(catalog.capabilities('openai', 'gpt-5-mini')).toMatchObject({ known: true, reasoning: true, embeddings: false })
    expect(catalog.capabilities('openai', 'gpt-4o-mini')).toMatchObject({
      known: true,
      reasoning: false,
      structuredOutput: true,
      maxOutputTokens: 16_384,
    })
    expect(catalog.capabilities('openai', 'text-embedding-3-small')).toMatchObject({
      embeddings: true,
      tools: false,
      endpoints: ['/v1/embeddings'],
    })
    expect(catalog.capabilities('openai', 'gpt-5-pro').endpoints).toEqual(['/v1/responses'])
  })
})

test('a dated name has the line of its family, unless it has its own', () => {
  expect(catalog.capabilities('openai', 'gpt-4o-mini-2024-07-18')).toEqual(catalog.capabilities('openai', 'gpt-4o-mini'))
  expect(catalog.prices('openai', 'gpt-4o-mini-2024-07-18', now)?.batch.input).toBe(75_000_000n)
  expect(catalog.prices('openai', 'gpt-4o-2024-05-13', now)?.batch.input).toBe(2_500_000_000n)
})

test('a fine-tune can do what its base can, at a price that is not known', () => {
  const model = 'ft:gpt-4o-mini-2024-07-18:acme::abc123'
  expect(catalog.capabilities('openai', model)).toEqual(catalog.capabilities('openai', 'gpt-4o-mini'))
  expect(catalog.isKnown('openai', model)).toBe(true)
  expect(catalog.prices('openai', model, now)).toBeNull()
})

test('prices are those of their time', () => {
  const luna = (date: string) => catalog.prices('openai', 'gpt-5.6-luna', new Date(date))
  expect(luna('2026-07-29T23:59:59Z')).toMatchObject({ version: '2026-07-09', realtime: { input: 1_000_000_000n } })
  expect(luna('2026-07-30T00:00:00Z')).toMatchObject({
    version: '2026-07-30',
    batch: { input: 100_000_000n, cachedInput: 10_000_000n },
  })
  expect(luna('2026-07-01T00:00:00Z')).toBeNull()
})

test('an unknown model is taken to be able to do everything, at a price that is not known', () => {
  expect(catalog.capabilities('openai', 'gpt-99')).toMatchObject({
    known: false,
    reasoning: false,
    tools: true,
    embeddings: true,
    endpoints: null,
  })
  expect(catalog.prices('openai', 'gpt-99', now)).toBeNull()
})

test('an unknown model is refused by name, with the nearest one', () => {
  expect(() => requireKnownModel(catalog, 'openai', 'gpt-4o-mini')).not.toThrow()
  expect(() => requireKnownModel(catalog, 'openai', 'gpt-4o-mni')).toThrow('did you mean "gpt-4o-mini"?')
  expect(() => requireKnownModel(catalog, 'openai', 'claude-opus-4-5-20251101')).not.toThrow('did you mean')
  expect(() => requireKnownModel(catalog, 'openai', 'claude-opus-4-5-20251101')).toThrow(
    'models: {openai: {claude-opus-4-5-20251101: {}}}',
  )
})

describe("the user's own models", () => {
  test('an entry makes a name known and wins over ours', () => {
    const own = loadCatalog({
      openai: {
        'my-model': {},
        'gpt-4o-mini': {
          type: 'chat',
          prices: [{ from: '2020-01-01', realtime: { input: '1', output: '2' }, batch: { input: '0.5', output: '1' } }],
        },
      },
    })
    expect(() => requireKnownModel(own, 'openai', 'my-model')).not.toThrow()
    expect(own.capabilities('openai', 'my-model')).toMatchObject({ known: true, embeddings: true, endpoints: null })
    expect(own.prices('openai', 'gpt-4o-mini', now)).toMatchObject({
      batch: { input: 500_000_000n, cachedInput: null },
      source: 'batchwright.yaml',
    })
    expect(catalog.prices('openai', 'gpt-4o-mini', now)?.batch.input).toBe(75_000_000n)
  })

  test.each([
    [{ openai: { m: { typ: 'chat' } } }, /models: openai\.m: .*typ/],
    [{ openai: { m: { type: 'chatty' } } }, /openai\.m\.type/],
    [
      { openai: { m: { prices: [{ from: '2026-01-01', realtime: { input: 0.15 }, batch: { input: '1' } }] } } },
      /prices\.0\.realtime\.input/,
    ],
    [
      { openai: { m: { prices: [{ from: '2026-01-01', realtime: { input: 'free' }, batch: { input: '1' } }] } } },
      /quoted decimal/,
    ],
    [{ openai: { m: { prices: [{ from: 'yesterday', realtime: { input: '1' }, batch: { input: '1' } }] } } }, /prices\.0\.from/],
  ])('%j is refused with its field', (models, message) => {
    expect(() => loadCatalog(models)).toThrow(message)
  })
})
