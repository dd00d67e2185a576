import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../core/json.ts'
import { unknownModel, type ModelCapabilities } from '../core/model-capabilities.ts'
import type { NativeRequest } from './canonical-request.ts'
import { parseInputLine } from './input-line.ts'
import { renderers } from './renderers.ts'
import { noDefaults } from './rendering.ts'
import { translate } from './translation.ts'

const everything: ModelCapabilities = { ...unknownModel, known: true }

const requestOf = (line: JsonObject) => parseInputLine(JSON.stringify(line), 1).request as NativeRequest
const gemini = (...contents: JsonObject[]): JsonObject => ({
  request: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }, ...contents] },
})
const call = (...calls: JsonObject[]): JsonObject => ({ role: 'model', parts: calls.map((functionCall) => ({ functionCall })) })
const result = (functionResponse: JsonObject): JsonObject => ({ functionResponse })

describe('results come right after their calls, and what else is said after them', () => {
  const moved = 'the results of calls were moved before what else is said there'
  const calls = call({ id: 'a', name: 'f' }, { id: 'b', name: 'f' })
  const [first, second] = ['a', 'b'].map((id) => result({ id, response: { result: id } })) as [JsonObject, JsonObject]
  const blocks = ['a', 'b'].map((id) => ({ type: 'tool_result', tool_use_id: id, content: id }))
  const anthropic = (...content: JsonObject[]): JsonObject => ({
    params: {
      max_tokens: 1,
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: ['a', 'b'].map((id) => ({ type: 'tool_use', id, name: 'f', input: {} })) },
        { role: 'user', content },
      ],
    },
  })
  const x = { type: 'text', text: 'x' }
  const both: Json = [x, { type: 'text', text: 'y' }]
  test.each<[JsonObject, Json, string[]]>([
    [gemini(calls, { parts: [{ text: 'x' }, first, second] }), 'x', [`contents[2]: ${moved}`]],
    [gemini(calls, { parts: [first, { text: 'x' }, second] }), 'x', [`contents[2]: ${moved}`]],
    [gemini(calls, { parts: [{ text: 'x' }, first, { text: 'y' }, second] }), both, [`contents[2]: ${moved}`]],
    [gemini(calls, { parts: [first, second, { text: 'x' }] }), 'x', []],
    [anthropic(x, ...blocks), 'x', [`messages[2]: ${moved}`]],
    [anthropic(...blocks, x), 'x', []],
  ])('%j', (line, said, expected) => {
    const { body, warnings } = renderers.openai(requestOf(line), { ...noDefaults, model: 'm' }, () => everything)
    expect((body['messages'] as Json[]).slice(2)).toEqual([
      { role: 'tool', tool_call_id: 'a', content: 'a' },
      { role: 'tool', tool_call_id: 'b', content: 'b' },
      { role: 'user', content: said },
    ])
    expect(warnings).toEqual(expected)
  })
})

describe('calls come after what else is said in their turn', () => {
  const x = { type: 'text', text: 'x' }
  const y = { type: 'text', text: 'y' }
  const use = { type: 'tool_use', id: 'a', name: 'f', input: {} }
  const anthropic = (...content: JsonObject[]): JsonObject => ({
    params: {
      max_tokens: 1,
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'r' }] },
      ],
    },
  })
  const part = { functionCall: { id: 'a', name: 'f' } }
  const model = (...parts: JsonObject[]): JsonObject =>
    gemini({ role: 'model', parts }, { parts: [result({ id: 'a', response: { result: 'r' } })] })
  const item = { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' }
  const say = (content: string): JsonObject => ({ role: 'assistant', content })
  const responses = (...items: JsonObject[]): JsonObject => ({
    url: '/v1/responses',
    body: { input: [{ role: 'user', content: 'Hi' }, ...items, { type: 'function_call_output', call_id: 'a', output: 'r' }] },
  })
  const moved = 'the calls were moved after what else is said there'
  test.each<[JsonObject, Json, string[]]>([
    [anthropic(x, use), 'x', []],
    [anthropic(use, x), 'x', [`messages[1]: ${moved}`]],
    [anthropic(x, use, y), [x, y], [`messages[1]: ${moved}`]],
    [model({ text: 'x' }, part), 'x', []],
    [model(part, { text: 'x' }), 'x', [`contents[1]: ${moved}`]],
    [model({ text: 'x' }, part, { text: 'y' }), [x, y], [`contents[1]: ${moved}`]],
    [responses(say('x'), item), 'x', []],
    [responses(item, say('x')), 'x', [`input[2]: ${moved}`]],
    [responses(say('x'), item, say('y')), [x, y], [`input[3]: ${moved}`]],
  ])('%j', (line, content, expected) => {
    const { request, warnings } = translate(requestOf(line))
    expect(request).toMatchObject({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content, tool_calls: [{ id: 'a', name: 'f', arguments: '{}' }] },
        { role: 'tool', tool_call_id: 'a', content: 'r' },
      ],
    })
    expect(warnings).toEqual(expected)
  })
})

test.each<[string, JsonObject[], string[]]>([
  ['beside it', [{ id: 'call_2', name: 'f' }, { name: 'f' }], ['call_2', 'call_2_']],
  ['after it', [{ name: 'f' }, { id: 'call_1', name: 'f' }], ['call_1_', 'call_1']],
  [
    'of both names',
    [{ name: 'f' }, { id: 'call_1', name: 'f' }, { id: 'call_1_', name: 'f' }],
    ['call_1__', 'call_1', 'call_1_'],
  ],
])('a call without an id gets none that another call has: %s', (_, calls, ids) => {
  const results = ids.map((id, at) => result({ ...(calls[at]?.['id'] === undefined ? {} : { id }), name: 'f', response: {} }))
  const { request } = translate(
    requestOf(gemini(call(...calls.slice(0, 1)), { parts: results.slice(0, 1) }, call(...calls.slice(1)))),
  )
  const asked = (request as unknown as { messages: Array<{ tool_calls?: Array<{ id: string }> }> }).messages
  expect(asked.flatMap((message) => message.tool_calls ?? []).map(({ id }) => id)).toEqual(ids)
})
