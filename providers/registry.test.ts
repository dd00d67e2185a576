import { expect, test } from 'vitest'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from './registry.ts'

const registry = createProviderRegistry(
  [
    { name: 'openai', kind: 'openai', apiKey: null, baseUrl: null, simulated: false },
    {
      name: 'local',
      kind: 'openai',
      apiKey: 'sk-local',
      baseUrl: 'http://127.0.0.1:1/v1',
      simulated: true,
      maxBatchRequests: 10,
      maxBatchBytes: 900_000_000,
      enqueuedTokens: { 'gpt-4o-mini': 2_000_000 },
    },
    { name: 'gemini', kind: 'gemini', apiKey: 'key', baseUrl: null, simulated: false },
    { name: 'large', kind: 'gemini', apiKey: 'key', baseUrl: null, simulated: false, maxBatchRequests: 5_000 },
  ],
  loadCatalog(),
)

test('a provider without a key is unconfigured', () => {
  expect(registry.names()).toEqual(['local', 'gemini', 'large'])
  expect(registry.unconfigured()).toEqual(['openai'])
  expect(registry.find('openai')).toBeNull()
  expect(registry.find('nonsense')).toBeNull()
})

test('configured limits apply where they are below those of the provider', () => {
  const provider = registry.find('local')
  expect(provider).toMatchObject({ name: 'local', kind: 'openai', simulated: true })
  expect(provider?.limits('gpt-4o-mini')).toEqual({ maxRequests: 10, maxBytes: 200_000_000, maxTokens: 2_000_000 })
  expect(provider?.limits('gpt-5').maxTokens).toBeNull()
})

test('the number of requests of a Gemini batch is ours, and can be configured to be larger', () => {
  expect(registry.find('gemini')?.limits('gemini-3.8-flash').maxRequests).toBe(1_000)
  expect(registry.find('large')?.limits('gemini-3.8-flash').maxRequests).toBe(5_000)
})

test('the fingerprint tells keys apart without showing them', () => {
  // printf sk-local | sha256sum
  expect(registry.find('local')?.keyFingerprint).toMatch(/^[0-9a-f]{12}$/)
  expect(JSON.stringify(registry.find('local'))).not.toContain('sk-local')
})
