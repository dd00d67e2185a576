import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { anthropicEnvelopeBytes } from '../formats/renderers.ts'
import { loadCatalog, requireKnownModel } from './catalog.ts'
import { userModelsSchema } from './model-file.ts'

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

describe('models/anthropic.yaml', () => {
  test('a batch costs half of everything, from an Anthropic page', () => {
    for (const model of catalog.modelNames('anthropic')) {
      const prices = catalog.prices('anthropic', model, now)
      expect(prices, model).not.toBeNull()
      if (prices === null) continue
      for (const price of ['input', 'cachedInput', 'cacheWrite', 'output'] as const) {
        expect((prices.batch[price] ?? 0n) * 2n, `${model} ${price}`).toBe(prices.realtime[price])
      }
      expect(prices.realtime.input, model).toBeLessThan(prices.realtime.output)
      expect(prices.realtime.cachedInput, model).toBeLessThan(prices.realtime.input)
      // "5-minute cache write tokens are 1.25 times the base input tokens price": build-with-claude/prompt-caching
      expect((prices.realtime.cacheWrite ?? 0n) * 4n, model).toBe(prices.realtime.input * 5n)
      expect(prices.source, model).toMatch(/^https:\/\/platform\.claude\.com\//)
    }
  })

  test('every model has its limits', () => {
    for (const model of catalog.modelNames('anthropic')) {
      const { contextTokens, maxOutputTokens } = catalog.capabilities('anthropic', model)
      expect(maxOutputTokens, model).toBeGreaterThanOrEqual(64_000)
      expect(contextTokens, model).toBeGreaterThan(maxOutputTokens as number)
    }
  })

  test('the models that the SDK knows are listed', () => {
    const types = readFileSync(
      new URL('../node_modules/@anthropic-ai/sdk/resources/messages/messages.d.ts', import.meta.url),
      'utf8',
    )
    const union = /export type Model = ([^;]+);/.exec(types)?.[1] ?? ''
    const names = [...union.matchAll(/'([^']+)'/g)].map((match) => match[1] as string)
    expect(names.length).toBeGreaterThan(10)
    // Not for everybody, and without a price: a preview, and the twin of Fable 5.2 for verified organisations.
    const missing = names.filter((name) => !catalog.isKnown('anthropic', name))
    expect(missing.sort()).toEqual(['claude-mythos-5-2', 'claude-mythos-preview'])
  })

  test('the limits are those that Anthropic documents', () => {
    expect(catalog.providerLimits('anthropic')).toMatchObject({
      maxRequests: 100_000,
      maxBytes: 256_000_000 - anthropicEnvelopeBytes,
      expiresAfterMs: 86_400_000,
    })
  })

  test('what a model takes', () => {
    expect(catalog.capabilities('anthropic', 'claude-opus-5-5')).toMatchObject({
      known: true,
      reasoning: true,
      structuredOutput: true,
      embeddings: false,
      endpoints: null,
      maxOutputTokens: 128_000,
    })
    expect(catalog.capabilities('anthropic', 'claude-opus-4-6')).toMatchObject({ reasoning: false, thinksOnRequest: true })
    expect(catalog.capabilities('anthropic', 'claude-haiku-4-5').efforts).toEqual([])
    expect(catalog.capabilities('openai', 'gpt-5-mini-2025-08-07').efforts).toEqual(['minimal', 'low', 'medium', 'high'])
    expect(catalog.capabilities('openai', 'gpt-5.1').efforts).toBeUndefined()
  })

  test('prices are those of their time, and of the family of a dated name', () => {
    const sonnet = (date: string) => catalog.prices('anthropic', 'claude-sonnet-5-5', new Date(date))?.batch.cachedInput
    expect(sonnet('2026-10-06T12:00:00Z')).toBe(100_000_000n)
    expect(sonnet('2026-10-07T12:00:00Z')).toBe(50_000_000n)
    expect(catalog.prices('anthropic', 'claude-haiku-4-5-20251001', now)?.batch.output).toBe(2_500_000_000n)
  })
})

describe('models/gemini.yaml', () => {
  test('a batch costs half, but for what is read from the cache, from a page of Google’s', () => {
    for (const model of catalog.modelNames('gemini')) {
      const prices = catalog.prices('gemini', model, now)
      // What is known of its price differs.
      if (model === 'gemini-3.7-flash') {
        expect(prices).toBeNull()
        continue
      }
      expect(prices, model).not.toBeNull()
      if (prices === null) continue
      expect(prices.batch.input * 2n, model).toBe(prices.realtime.input)
      expect(prices.batch.output * 2n, model).toBe(prices.realtime.output)
      expect(prices.batch.cachedInput, model).toBe(prices.realtime.cachedInput)
      if (prices.realtime.cachedInput !== null) expect(prices.realtime.cachedInput * 10n, model).toBe(prices.realtime.input)
      expect(prices.source, model).toMatch(/^https:\/\/ai\.google\.dev\//)
    }
  })

  test('the limits are those that Gemini documents, and ours for requests: what expires there is lost', () => {
    expect(catalog.providerLimits('gemini')).toMatchObject({
      maxRequests: 1_000,
      maxBytes: 2_000_000_000,
      expiresAfterMs: 48 * 3_600_000,
    })
  })

  test('what a model takes', () => {
    expect(catalog.capabilities('gemini', 'gemini-3.8-flash')).toMatchObject({
      reasoning: true,
      efforts: ['low', 'medium', 'high'],
      embeddings: false,
      endpoints: null,
      maxOutputTokens: 65_536,
    })
    expect(catalog.capabilities('gemini', 'gemini-2.5-pro-001')).toMatchObject({
      reasoning: false,
      thinkingBudget: { least: 128, most: 32_768 },
    })
    expect(catalog.capabilities('gemini', 'gemini-embedding-001')).toMatchObject({
      embeddings: true,
      structuredOutput: false,
      endpoints: null,
    })
  })

  test('every model thinks in one way or the other', () => {
    for (const model of catalog.modelNames('gemini')) {
      const { embeddings, efforts, thinkingBudget } = catalog.capabilities('gemini', model)
      expect(embeddings ? 0 : 1, model).toBe(Number(efforts !== undefined) + Number(thinkingBudget !== undefined))
    }
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
    const own = loadCatalog(
      userModelsSchema.parse({
        openai: {
          'my-model': {},
          'gpt-4o-mini': {
            type: 'chat',
            prices: [{ from: '2020-01-01', realtime: { input: '1', output: '2' }, batch: { input: '0.5', output: '1' } }],
          },
        },
      }),
    )
    expect(() => requireKnownModel(own, 'openai', 'my-model')).not.toThrow()
    expect(own.capabilities('openai', 'my-model')).toMatchObject({ known: true, embeddings: true, endpoints: null })
    expect(own.prices('openai', 'gpt-4o-mini', now)).toMatchObject({
      batch: { input: 500_000_000n, cachedInput: null },
      source: 'batchwright.yaml',
    })
    expect(catalog.prices('openai', 'gpt-4o-mini', now)?.batch.input).toBe(75_000_000n)
  })
})
