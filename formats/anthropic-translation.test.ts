import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../core/json.ts'
import { fromAnthropicParams } from './anthropic-translation.ts'

const messages = [{ role: 'user', content: 'Hi' }]
const schema = { type: 'object', properties: {}, additionalProperties: false }
const translate = (params: JsonObject) => fromAnthropicParams({ model: 'claude', max_tokens: 5, messages, ...params })
const ask = (...content: JsonObject[]): JsonObject => ({ messages: [{ role: 'user', content }] })
const answer = (...content: JsonObject[]): JsonObject => ({
  messages: [...messages, { role: 'assistant', content }, ...messages],
})

describe('what maps', () => {
  test.each<[JsonObject, JsonObject]>([
    [{}, { max_tokens: 5 }],
    [
      { temperature: 1, top_p: 0.5 },
      { temperature: 1, top_p: 0.5 },
    ],
    [{ stop_sequences: ['a', 'b'] }, { stop: ['a', 'b'] }],
    [{ stop_sequences: [] }, {}],
    [{ output_config: { effort: 'max' } }, { reasoning_effort: 'max' }],
    [{ output_config: { format: { type: 'json_schema', schema } } }, { schema }],
    [{ output_format: { type: 'json_schema', schema } }, { schema }],
    [{ output_config: null, stream: false, tool_choice: { type: 'auto' } }, {}],
    [{ thinking: { type: 'disabled' } }, { reasoning_effort: 'none' }],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }, { reasoning_effort: 'low' }],
    [
      {
        tools: [
          { type: 'custom', name: 'f', description: 'F', input_schema: { type: 'object' }, strict: true, defer_loading: false },
        ],
      },
      { tools: [{ name: 'f', description: 'F', parameters: { type: 'object' } }] },
    ],
    [{ tools: [{ name: 'f', input_schema: {}, allowed_callers: ['direct'] }] }, { tools: [{ name: 'f', parameters: {} }] }],
  ])('%j', (params, expected) => {
    const { request, warnings } = translate(params)
    expect(request).toEqual({ kind: 'generate', messages, max_tokens: 5, ...expected })
    expect(warnings).toEqual([])
  })

  test.each<[string, Json, Json]>([
    ['a text', 'S', 'S'],
    ['one block', [{ type: 'text', text: 'S' }], 'S'],
    [
      'blocks',
      [
        { type: 'text', text: 'S' },
        { type: 'text', text: 'T' },
      ],
      [
        { type: 'text', text: 'S' },
        { type: 'text', text: 'T' },
      ],
    ],
  ])('the system prompt as %s', (_, system, content) => {
    expect(translate({ system }).request).toMatchObject({ messages: [{ role: 'system', content }, ...messages] })
  })

  test.each<[JsonObject, JsonObject]>([
    [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
      { type: 'image', media_type: 'image/png', data: 'aGk=' },
    ],
    [
      { type: 'image', source: { type: 'url', url: 'https://x.example/a' } },
      { type: 'image', url: 'https://x.example/a' },
    ],
    [
      { type: 'document', title: 'T', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } },
      { type: 'file', name: 'T', media_type: 'application/pdf', data: 'aGk=' },
    ],
    [
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'é' }, citations: { enabled: false } },
      { type: 'file', media_type: 'text/plain', data: 'w6k=' },
    ],
    [
      { type: 'document', source: { type: 'url', url: 'https://x.example/a' } },
      { type: 'file', url: 'https://x.example/a' },
    ],
  ])('a block %j', (block, part) => {
    const { request, warnings } = translate(ask({ type: 'text', text: 'Look' }, block))
    expect(request).toMatchObject({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Look' }, part] }] })
    expect(warnings).toEqual([])
  })

  test('results of calls are messages of their own, before what the user says beside them', () => {
    const { request } = translate({
      messages: [
        ...messages,
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Well.' },
            { type: 'tool_use', id: 'a', name: 'f', input: { n: 1 }, caller: { type: 'direct' } },
            { type: 'tool_use', id: 'b', name: 'g', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'a', content: 'one' },
            {
              type: 'tool_result',
              tool_use_id: 'b',
              content: [
                { type: 'text', text: 'tw' },
                { type: 'text', text: 'o' },
              ],
            },
            { type: 'text', text: 'Go on' },
          ],
        },
      ],
    })
    expect(request).toMatchObject({
      messages: [
        ...messages,
        {
          role: 'assistant',
          content: 'Well.',
          tool_calls: [
            { id: 'a', name: 'f', arguments: '{"n":1}' },
            { id: 'b', name: 'g', arguments: '{}' },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: 'one' },
        { role: 'tool', tool_call_id: 'b', content: 'two' },
        { role: 'user', content: 'Go on' },
      ],
    })
  })
})

describe('what is left out, with a warning', () => {
  const nothingLike = (name: string) => `${name} left out: there is nothing like it`
  test.each<[JsonObject, string]>([
    [{ top_k: 3 }, nothingLike('top_k')],
    [{ metadata: { user_id: 'u' } }, nothingLike('metadata')],
    [{ service_tier: 'auto' }, nothingLike('service_tier')],
    [{ diagnostics: {} }, nothingLike('diagnostics')],
    [{ cache_control: { type: 'ephemeral' } }, nothingLike('cache_control')],
    [{ system: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }] }, nothingLike('cache_control')],
    [{ tools: [{ name: 'f', input_schema: {}, cache_control: {} }] }, nothingLike('cache_control')],
    [{ tools: [{ name: 'f', input_schema: {}, eager_input_streaming: true }] }, nothingLike('eager_input_streaming')],
    [{ tool_choice: { type: 'auto', disable_parallel_tool_use: true } }, nothingLike('disable_parallel_tool_use')],
    [answer({ type: 'text', text: 'x', citations: [{}] }), nothingLike('citations')],
    [
      answer({ type: 'thinking', thinking: 't', signature: 's' }, { type: 'text', text: 'x' }),
      'thinking left out: only the model',
    ],
    [answer({ type: 'redacted_thinking', data: 'd' }, { type: 'text', text: 'x' }), 'redacted_thinking left out: only the model'],
    [ask({ type: 'tool_result', tool_use_id: 'a', content: 'no', is_error: true }), 'is_error left out: only the text'],
    [{ thinking: { type: 'adaptive' } }, 'thinking left out'],
    [{ thinking: { type: 'enabled', budget_tokens: 1_024 } }, 'thinking.budget_tokens sent as the effort "low"'],
    [{ thinking: { type: 'enabled', budget_tokens: 30_000 } }, 'thinking.budget_tokens sent as the effort "high"'],
    [{ thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'low' } }, nothingLike('display')],
  ])('%j', (params, warning) => {
    expect(translate(params).warnings).toEqual([expect.stringContaining(warning)])
  })

  test.each<[JsonObject, string, string]>([
    [{ type: 'disabled' }, 'none', 'output_config.effort left out: thinking is disabled'],
    [{ type: 'enabled', budget_tokens: 1_024 }, 'high', 'thinking.budget_tokens left out: output_config.effort'],
  ])('%j beside an effort', (thinking, effort, warning) => {
    const { request, warnings } = translate({ thinking, output_config: { effort: 'high' } })
    expect(request).toMatchObject({ reasoning_effort: effort })
    expect(warnings).toEqual([expect.stringContaining(warning)])
  })

  test('the same is said once', () => {
    const block = { type: 'text', text: 'x', cache_control: {} }
    expect(translate(ask(block, block)).warnings).toHaveLength(1)
  })
})

describe('what is refused, by its path', () => {
  test.each<[JsonObject, string]>([
    [{ mcp_servers: [] }, 'params.mcp_servers: can not be translated'],
    [{ container: 'c' }, 'params.container: can not be translated'],
    [{ inference_geo: 'us' }, 'params.inference_geo: can not be translated'],
    [{ tool_choice: { type: 'any' } }, 'params.tool_choice: only'],
    [{ tool_choice: { type: 'tool', name: 'f' } }, 'params.tool_choice: only'],
    [
      {
        tools: [
          { name: 'f', input_schema: {} },
          { type: 'web_search_20250305', name: 'web_search' },
        ],
      },
      'params.tools[1].type: "web_search',
    ],
    [{ tools: [{ name: 'f', input_schema: {}, input_examples: [{}] }] }, 'params.tools[0].input_examples: can not'],
    [{ tools: [{ name: 'f', input_schema: {}, defer_loading: true }] }, 'params.tools[0].defer_loading: only false'],
    [
      { tools: [{ name: 'f', input_schema: {}, allowed_callers: ['code_execution_20260120'] }] },
      'params.tools[0].allowed_callers: only',
    ],
    [{ tools: [{ name: 'f' }] }, 'params.tools[0].input_schema: is missing'],
    [{ tools: [{ input_schema: {} }] }, 'params.tools[0].name: is missing'],
    [{ output_config: { task_budget: {} } }, 'params.output_config.task_budget: can not'],
    [{ output_config: { format: { type: 'grammar' } } }, 'params.output_config.format.type: only "json_schema"'],
    [{ output_config: { format: { type: 'json_schema', schema: 'x' } } }, 'params.output_config.format: expected an object'],
    [{ output_config: { effort: 3 } }, 'params.output_config.effort: expected a string'],
    [{ thinking: { type: 'enabled', budget_tokens: 5, mood: 'x' } }, 'params.thinking.mood: can not'],
    [{ thinking: { type: 'disabled', budget_tokens: 5 } }, 'params.thinking.budget_tokens: can not'],
    [{ thinking: { type: 'enabled' } }, 'params.thinking.budget_tokens: is missing'],
    [{ thinking: { type: 'enabled', budget_tokens: 'x' } }, 'params.thinking.budget_tokens: expected a number'],
    [{ thinking: { type: 'deep' } }, 'params.thinking.type: only'],
    [
      { output_format: { type: 'json_schema', schema }, output_config: { format: { type: 'json_schema', schema: {} } } },
      'params.output_config.format: does not go with params.output_format',
    ],
    [{ system: [{ type: 'image', source: {} }] }, 'params.system[0].type: only text'],
    [{ messages: 'x' }, 'params.messages: expected an array'],
    [{ messages: [] }, 'params.messages: expected at least one message'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'params.messages[0]'],
    [{ messages: [{ role: 'user', content: 'x', name: 'Bob' }] }, 'params.messages[0].name: can not'],
    [{ messages: [{ role: 'user' }] }, 'params.messages[0].content: is missing'],
    [ask(), 'params.messages[0]: expected at least one part'],
    [ask({ type: 'image', source: { type: 'file', file_id: 'f' } }), 'params.messages[0].content[0].source: only an image'],
    [
      ask({ type: 'image', source: { type: 'url', url: 'ftp://x' } }),
      'params.messages[0].content[0].source.url: expected an http',
    ],
    [
      ask({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '!' } }),
      'params.messages[0].content[0].source.data: expected base64',
    ],
    [
      ask({ type: 'image', source: { type: 'url', url: 'https://x' }, transformations: {} }),
      'params.messages[0].content[0].transformations: can not',
    ],
    [
      ask(
        { type: 'text', text: 'x' },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x', foo: 1 } },
      ),
      'params.messages[0].content[1].source.foo: can not',
    ],
    [ask({ type: 'document', source: { type: 'file', file_id: 'f' } }), 'params.messages[0].content[0].source: only'],
    [ask({ type: 'document', source: { type: 'content', content: 'x' } }), 'params.messages[0].content[0].source: only'],
    [
      ask({ type: 'document', source: { type: 'url', url: 'https://x' }, context: 'c' }),
      'params.messages[0].content[0].context: can not',
    ],
    [
      ask({ type: 'document', source: { type: 'url', url: 'https://x' }, citations: { enabled: true } }),
      'params.messages[0].content[0].citations.enabled: only false',
    ],
    [ask({ type: 'search_result', source: 's' }), 'params.messages[0].content[0].type: only'],
    [ask({ type: 'text' }), 'params.messages[0].content[0].text: is missing'],
    [
      ask({
        type: 'tool_result',
        tool_use_id: 'a',
        content: [
          { type: 'text', text: 'x' },
          { type: 'image', source: {} },
        ],
      }),
      'params.messages[0].content[0].content[1].type: only text',
    ],
    [ask({ type: 'tool_result', tool_use_id: 'a', is_error: true }), 'params.messages[0].content[0].is_error: can not'],
    [
      ask({ type: 'tool_result', tool_use_id: 'a', content: 'x', is_error: 'yes' }),
      'params.messages[0].content[0].is_error: expected true',
    ],
    [
      answer({ type: 'tool_use', id: 'a', name: 'f', input: {}, caller: { type: 'direct', tool_id: 't' } }),
      'params.messages[1].content[0].caller.tool_id: can not',
    ],
    [answer({ type: 'thinking', thinking: 't', foo: 1 }), 'params.messages[1].content[0].foo: can not'],
    [ask({ type: 'tool_result', tool_use_id: 'a', toolset_name: 't' }), 'params.messages[0].content[0].toolset_name: can not'],
    [answer({ type: 'server_tool_use', id: 'a', name: 'web_search', input: {} }), 'params.messages[1].content[0].type: only'],
    [
      answer({ type: 'tool_use', id: 'a', name: 'f', input: {}, caller: { type: 'code_execution_20260120' } }),
      'params.messages[1].content[0].caller.type: only',
    ],
    [answer({ type: 'tool_use', name: 'f', input: {} }), 'params.messages[1].content[0].id: is missing'],
  ])('%j', (params, message) => {
    expect(() => translate(params)).toThrow(message)
  })
})
