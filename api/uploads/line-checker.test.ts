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

describe('a neutral line that its provider can not be given', () => {
  const { providers } = loadConfig({ directory: '/', environment: { ANTHROPIC_API_KEY: 'sk-none' } })
  const provider = findProvider(providers, 'anthropic')
  const checkerOf = (system?: string) =>
    createLineChecker(
      {
        spec: { provider: 'anthropic', model: 'claude-haiku-4-5', ...(system === undefined ? {} : { system }) },
        provider,
        defaulted: [],
        canonical: '',
      },
      loadCatalog(),
    )
  const video = { type: 'image', data: 'aGVsbG8=', media_type: 'image/tiff' }
  const text = { type: 'text', text: 'Look:' }

  test.each([
    ['a prompt', { prompt: [text, video] }, 'prompt[1]'],
    ['a prompt beside a system prompt', { system: 'Be brief.', prompt: [video] }, 'prompt[0]'],
    ['messages', { messages: [{ role: 'user', content: [text, video] }] }, 'messages[0].content[1]'],
    [
      'messages beside a system prompt',
      { system: 'Be brief.', messages: [{ role: 'user', content: [video] }] },
      'messages[0].content[0]',
    ],
    [
      'messages with one of their own',
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [video] },
        ],
      },
      'messages[1].content[0]',
    ],
  ])('is refused with the path that it has there: %s', (_, line, field) => {
    for (const system of [undefined, 'Of the job.'])
      expect(() => checkerOf(system).check(JSON.stringify(line), 1, 1), String(system)).toThrow(
        expect.objectContaining({ field }),
      )
  })

  test('so are warnings', () => {
    const line = {
      system: 'Be brief.',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'system', content: 'More.' },
        { role: 'user', content: 'Ho' },
      ],
    }
    expect(checkerOf().check(JSON.stringify(line), 1, 1).warnings).toContain('"messages[1]: a system message in the middle')
  })
})
