import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import type { JsonObject } from '../../core/json.ts'
import { loadCatalog } from '../../models/catalog.ts'
import { findProvider } from '../find-provider.ts'
import { createLineChecker } from './line-checker.ts'

describe('the default model of the service', () => {
  const { providers } = loadConfig({ directory: '/', environment: { ANTHROPIC_API_KEY: 'sk-none', OPENAI_API_KEY: 'sk-none' } })
  const modelOf = (line: JsonObject): string => {
    const spec = { provider: 'anthropic', model: 'claude-haiku-4-5' }
    const provider = findProvider(providers, 'anthropic')
    const checker = createLineChecker({ spec, provider, defaulted: ['model'], canonical: '' }, loadCatalog())
    const { model } = checker.check(JSON.stringify(line), 1, 1)
    expect(checker.summary().model).toBe(model)
    return model
  }
  const messages = [{ role: 'user', content: 'Hi' }]
  const chat = (model: string): JsonObject => ({ url: '/v1/chat/completions', body: { model, messages } })

  test('gives way to the model of a provider’s own line', () => {
    expect(modelOf({ params: { model: 'claude-sonnet-4-5', max_tokens: 5, messages } })).toBe('claude-sonnet-4-5')
  })

  test('stays where a line that was written for another provider names one of that one', () => {
    expect(modelOf(chat('gpt-5-mini'))).toBe('claude-haiku-4-5')
  })

  test('gives way where such a line names one of this provider', () => {
    expect(modelOf(chat('claude-sonnet-4-5'))).toBe('claude-sonnet-4-5')
  })
})
