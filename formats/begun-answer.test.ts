import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel, type ModelCapabilities } from '../core/model-capabilities.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import type { GenerateRequest } from './canonical-request.ts'
import { parseInputLine } from './input-line.ts'
import { neutralPaths } from './neutral-path.ts'
import { renderers } from './renderers.ts'
import { noDefaults, noRevision } from './rendering.ts'

const chat: ModelCapabilities = { ...unknownModel, known: true, embeddings: false, maxOutputTokens: 1_000 }
const models: Record<string, ModelCapabilities> = {
  chat,
  thinker: { ...chat, reasoning: true },
  stranger: { ...chat, known: false },
}

function render(kind: ProviderKind, line: JsonObject, model: string, endpoint: '/v1/responses' | null = null) {
  const { request } = parseInputLine(JSON.stringify(line), 1)
  return renderers[kind](request, { ...noDefaults, model, endpoint }, (name) => models[name] as ModelCapabilities)
}

/** Where the user is told that the begun answer is. */
function pathWithJobSystem(kind: ProviderKind, line: JsonObject, model: string): string {
  const text = JSON.stringify(line)
  const request = parseInputLine(text, 1).request as GenerateRequest
  const defaults = { ...noDefaults, model, system: 'Be brief.' }
  const said = () => renderers[kind](request, defaults, (name) => models[name] as ModelCapabilities).warnings.join('')
  const [path = ''] = /^messages\[\d+\]/.exec(attempt(said)) ?? []
  return neutralPaths(text, request, defaults.system)(path)
}

function attempt(said: () => string): string {
  try {
    return said()
  } catch (error) {
    return (error as Error).message
  }
}

const messages = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: '{' },
]
const anthropic = { params: { max_tokens: 5, messages } }
const gemini = {
  request: {
    contents: messages.map(({ role, content }) => ({ role: role === 'user' ? role : 'model', parts: [{ text: content }] })),
  },
}

describe('an answer that was begun for the model', () => {
  test.each<[ProviderKind, JsonObject, string, string]>([
    ['openai', { messages }, 'chat', 'messages[1]'],
    ['openai', { messages }, 'thinker', 'messages[1]'],
    ['openai', anthropic, 'chat', 'params.messages[1]'],
    ['openai', gemini, 'chat', 'request.contents[1]'],
    ['anthropic', { messages }, 'thinker', 'messages[1]'],
    ['anthropic', { messages: [...messages, { role: 'system', content: 'S' }] }, 'thinker', 'messages[1]'],
    ['gemini', { messages }, 'thinker', 'messages[1]'],
  ])('is refused where it would not be gone on with: at %s %j, %s', (kind, line, model, path) => {
    expect(() => render(kind, line, model)).toThrow(`${path}: ${model} does not go on with an answer that was begun`)
  })

  test.each<[ProviderKind, JsonObject, string]>([
    ['openai', { messages }, 'messages[1]'],
    ['openai', { system: 'Own.', messages }, 'messages[1]'],
    ['openai', { messages: [{ role: 'system', content: 'S' }, ...messages] }, 'messages[2]'],
    ['anthropic', { messages }, 'messages[1]'],
    ['anthropic', { system: 'Own.', messages }, 'messages[1]'],
    ['gemini', { messages }, 'messages[1]'],
    ['gemini', { system: 'Own.', messages }, 'messages[1]'],
  ])('by its path in the line, also where the job has a system prompt: at %s %j', (kind, line, path) => {
    expect(pathWithJobSystem(kind, line, 'thinker')).toBe(path)
  })

  test('at both of OpenAI’s endpoints', () => {
    expect(() => render('openai', { messages }, 'chat', '/v1/responses')).toThrow('messages[1]: chat does not go on')
  })

  test('is sent to a model that goes on with it', () => {
    for (const kind of ['anthropic', 'gemini'] as const) expect(render(kind, { messages }, 'chat').warnings).toEqual([])
  })

  test('is sent to a model of which nothing is known, and said so', () => {
    expect(render('openai', { messages }, 'stranger')).toMatchObject({
      body: { messages },
      warnings: ['messages[1]: whether stranger goes on with an answer that was begun for it is not known'],
    })
    expect(render('openai', gemini, 'stranger').warnings).toEqual([expect.stringMatching(/^contents\[1\]: whether/)])
  })

  test('is called as in the line by a warning, also where the job has a system prompt', () => {
    expect(pathWithJobSystem('openai', { messages }, 'stranger')).toBe('messages[1]')
  })

  test('is none where a system message follows that stays where it is', () => {
    const line = { messages: [...messages, { role: 'system', content: 'Go on in French.' }] }
    expect(render('openai', line, 'chat').warnings).toEqual([])
  })

  test('is none where an answer that was rejected is shown to the model', () => {
    const { request } = parseInputLine('{"prompt":"Hi"}', 1)
    const revision = { ...noRevision, rejectedAnswer: { text: '{', reason: 'bad' } }
    const { body } = renderers.openai(request, { ...noDefaults, model: 'chat' }, () => chat, revision)
    expect(body['messages']).toHaveLength(3)
  })
})
