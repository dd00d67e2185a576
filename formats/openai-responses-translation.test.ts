import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { fromResponsesBody } from './openai-responses-translation.ts'

const schema = { type: 'object', properties: {}, additionalProperties: false }
const translate = (body: JsonObject) => fromResponsesBody({ model: 'gpt', input: 'Hi', ...body })
const ask = (...content: JsonObject[]): JsonObject => ({ input: [{ role: 'user', content }] })

describe('what maps', () => {
  test.each<[JsonObject, JsonObject]>([
    [{}, {}],
    [
      { max_output_tokens: 9, temperature: 2, top_p: 0.5 },
      { max_tokens: 9, temperature: 2, top_p: 0.5 },
    ],
    [{ reasoning: { effort: 'low', mode: 'standard' } }, { reasoning_effort: 'low' }],
    [{ text: { format: { type: 'text' } }, tool_choice: 'auto', stream: false, conversation: null }, {}],
    [{ text: { format: { type: 'json_schema', name: 'n', schema, strict: true } } }, { schema }],
    [
      { text: { format: { type: 'json_schema', name: 'n', schema, description: 'D' } } },
      { schema: { ...schema, description: 'D' } },
    ],
    [
      { tools: [{ type: 'function', name: 'f', description: 'F', parameters: schema, strict: true }] },
      { tools: [{ name: 'f', description: 'F', parameters: schema }] },
    ],
  ])('%j', (body, expected) => {
    const { request, warnings } = translate(body)
    expect(request).toEqual({ kind: 'generate', messages: [{ role: 'user', content: 'Hi' }], ...expected })
    expect(warnings).toEqual([])
  })

  test('instructions, and items in their order', () => {
    const { request, warnings } = translate({
      instructions: 'S',
      input: [
        { role: 'developer', content: 'D' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Q' }] },
        { type: 'reasoning', id: 'r', summary: [] },
        {
          type: 'function_call',
          caller: { type: 'direct' },
          id: 'i',
          call_id: 'a',
          name: 'f',
          arguments: '{}',
          status: 'completed',
        },
        { type: 'function_call', call_id: 'b', name: 'g', arguments: '{"n":1}' },
        { type: 'function_call_output', call_id: 'a', output: 'one' },
        { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'two' }] },
        {
          type: 'message',
          id: 'm',
          status: 'completed',
          phase: 'commentary',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'A', annotations: [], logprobs: [] }],
        },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'three' },
        { role: 'user', content: 'End' },
      ],
    })
    expect(request).toMatchObject({
      messages: [
        { role: 'system', content: 'S' },
        { role: 'system', content: 'D' },
        { role: 'user', content: 'Q' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'a', name: 'f', arguments: '{}' },
            { id: 'b', name: 'g', arguments: '{"n":1}' },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: 'one' },
        { role: 'tool', tool_call_id: 'b', content: 'two' },
        { role: 'assistant', content: 'A', tool_calls: [{ id: 'c', name: 'f', arguments: '{}' }] },
        { role: 'tool', tool_call_id: 'c', content: 'three' },
        { role: 'user', content: 'End' },
      ],
    })
    expect(warnings).toEqual(['reasoning left out: only the model that had the thoughts can read them'])
  })

  test.each<[JsonObject, JsonObject]>([
    [
      { type: 'input_image', image_url: 'https://x.example/a', detail: 'low' },
      { type: 'image', url: 'https://x.example/a' },
    ],
    [
      { type: 'input_image', image_url: 'data:image/png;base64,aGk=' },
      { type: 'image', data: 'aGk=', media_type: 'image/png' },
    ],
    [
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' },
      { type: 'file', name: 'a.pdf', data: 'aGk=', media_type: 'application/pdf' },
    ],
    [
      { type: 'input_file', file_url: 'https://x.example/a.pdf' },
      { type: 'file', url: 'https://x.example/a.pdf' },
    ],
  ])('a part %j', (given, part) => {
    expect(translate(ask({ type: 'input_text', text: 'Look' }, given)).request).toMatchObject({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Look' }, part] }],
    })
  })
})

describe('what is left out, with a warning', () => {
  test.each([
    ...Object.keys({
      background: 0,
      include: 0,
      max_tool_calls: 0,
      metadata: 0,
      parallel_tool_calls: 0,
      prompt_cache_key: 0,
      prompt_cache_options: 0,
      prompt_cache_retention: 0,
      safety_identifier: 0,
      service_tier: 0,
      store: 0,
      truncation: 0,
      user: 0,
    }).map((name): [string, JsonObject] => [name, { [name]: 'x' }]),
    ['verbosity', { text: { verbosity: 'low' } }] satisfies [string, JsonObject],
    ['summary', { reasoning: { summary: 'auto' } }] satisfies [string, JsonObject],
    [
      'prompt_cache_breakpoint',
      { input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi', prompt_cache_breakpoint: {} }] }] },
    ] satisfies [string, JsonObject],
  ])('%s', (name, body) => {
    const { request, warnings } = translate(body)
    expect(request).toEqual({ kind: 'generate', messages: [{ role: 'user', content: 'Hi' }] })
    expect(warnings).toEqual([`${name} left out: there is nothing like it`])
  })
})

describe('what is refused, by its path', () => {
  test.each<[JsonObject, string]>([
    [{ previous_response_id: 'r' }, 'body.previous_response_id: can not be translated'],
    [{ conversation: 'c' }, 'body.conversation: can not'],
    [{ prompt: { id: 'p' } }, 'body.prompt: can not'],
    [{ context_management: [{}] }, 'body.context_management: can not'],
    [{ mood: 'x' }, 'body.mood: can not'],
    [{ input: null }, 'body.input: is missing'],
    [{ input: 3 }, 'body.input: expected an array'],
    [{ input: [] }, 'body.input: expected at least one message'],
    [{ tool_choice: 'required' }, 'body.tool_choice: only "auto"'],
    [{ top_logprobs: 3 }, 'body.top_logprobs: only 0'],
    [{ reasoning: { mode: 'pro' } }, 'body.reasoning.mode: only "standard"'],
    [{ text: { format: { type: 'json_object' } } }, 'body.text.format: only "text" and "json_schema"'],
    [{ text: { format: { type: 'json_schema', name: 'n' } } }, 'body.text.format.schema: is missing'],
    [{ tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }] }, 'body.tools[1].type: only function'],
    [{ tools: [{ type: 'function', name: 'f', output_schema: {} }] }, 'body.tools[0].output_schema: can not'],
    [{ tools: [{ type: 'function', name: 'f', defer_loading: true }] }, 'body.tools[0].defer_loading: only false'],
    [{ max_output_tokens: 0.5 }, 'body.max_output_tokens: expected a whole number'],
    [{ input: [{ type: 'item_reference', id: 'i' }] }, 'body.input[0].type: only message'],
    [{ input: [{ role: 'user', content: 'x' }, { type: 'computer_call' }] }, 'body.input[1].type: only message'],
    [{ input: [{ role: 'robot', content: 'x' }] }, 'body.input[0]'],
    [{ input: [{ role: 'user', content: 'x', name: 'Bob' }] }, 'body.input[0].name: can not'],
    [ask({ type: 'input_image', file_id: 'f' }), 'body.input[0].content[0]: only an image'],
    [ask({ type: 'input_image', image_url: 'ftp://x' }), 'body.input[0].content[0].image_url: expected an http'],
    [ask({ type: 'input_file', file_id: 'f' }), 'body.input[0].content[0]: only a file'],
    [
      ask({ type: 'input_file', file_data: 'data:application/pdf;base64,aGk=', file_url: 'https://x.example/a.pdf' }),
      'body.input[0].content[0].file_url: can not',
    ],
    [
      ask({ type: 'input_image', image_url: 'https://x.example/a.png', file_id: 'f' }),
      'body.input[0].content[0].file_id: can not',
    ],
    [ask({ type: 'input_text', text: 'x', annotations: [] }), 'body.input[0].content[0].annotations: can not'],
    [{ text: { format: { type: 'json_schema', name: 'n', schema, foo: 1 } } }, 'body.text.format.foo: can not'],
    [{ text: { format: { type: 'text', schema } } }, 'body.text.format.schema: can not'],
    [
      { input: [{ type: 'function_call_output', call_id: 'a', output: 'x', namespace: 'n' }] },
      'body.input[0].namespace: can not',
    ],
    [
      { input: [{ type: 'function_call_output', call_id: 'a', output: [{ type: 'input_text', text: 'x', foo: 1 }] }] },
      'body.input[0].output[0].foo: can not',
    ],
    [{ input: [{ type: 'reasoning', summary: [], foo: 1 }] }, 'body.input[0].foo: can not'],
    [ask({ type: 'input_audio' }), 'body.input[0].content[0].type: only'],
    [
      { input: [{ type: 'function_call_output', call_id: 'a', output: [{ type: 'input_image', image_url: 'https://x' }] }] },
      'body.input[0].output[0].type: only input_text',
    ],
    [
      { input: [{ type: 'function_call', call_id: 'a', name: 'f', arguments: '{}', namespace: 'n' }] },
      'body.input[0].namespace: can not',
    ],
  ])('%j', (body, message) => {
    expect(() => translate(body)).toThrow(message)
  })
})
