import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { fromChatBody } from './openai-chat-translation.ts'

const messages = [{ role: 'user', content: 'Hi' }]
const schema = { type: 'object', properties: {}, additionalProperties: false }
const translate = (body: JsonObject) => fromChatBody({ model: 'gpt', messages, ...body })
const ask = (...content: JsonObject[]): JsonObject => ({ messages: [{ role: 'user', content }] })
const respond = (content: JsonObject, message: JsonObject = {}): JsonObject => ({
  messages: [...messages, { role: 'tool', tool_call_id: 'a', content: [content], ...message }],
})
const format = (jsonSchema: JsonObject): JsonObject => ({
  response_format: { type: 'json_schema', json_schema: { name: 'n', schema, ...jsonSchema } },
})

describe('the description of an answer becomes that of its schema', () => {
  test.each<[string, JsonObject, JsonObject]>([
    ['none', { strict: true }, schema],
    ['where the schema has none', { description: 'D' }, { ...schema, description: 'D' }],
    ['where it has the same', { description: 'D', schema: { ...schema, description: 'D' } }, { ...schema, description: 'D' }],
    [
      'before the one that it has',
      { description: 'D', schema: { ...schema, description: 'Own' } },
      { ...schema, description: 'D\n\nOwn' },
    ],
  ])('%s', (_, jsonSchema, expected) => {
    const { request, warnings } = translate(format(jsonSchema))
    expect(request).toMatchObject({ schema: expected })
    expect(warnings).toEqual([])
  })
})

test('the same number of tokens under both of its names is taken', () => {
  expect(translate({ max_tokens: 5, max_completion_tokens: 5 }).request).toMatchObject({ max_tokens: 5 })
})

test('the end of a cached prompt is left out with a warning', () => {
  const part = { type: 'text', text: 'x', prompt_cache_breakpoint: { mode: 'explicit' } }
  for (const body of [ask(part), respond(part)])
    expect(translate(body).warnings).toEqual(['prompt_cache_breakpoint left out: there is nothing like it'])
})

test('an answer in text is what goes without saying', () => {
  expect(translate({ modalities: ['text'] })).toMatchObject({ request: { messages }, warnings: [] })
})

describe('what is refused, by its path', () => {
  const image = { url: 'https://x.example/a.png' }
  const data = 'data:application/pdf;base64,aGk='
  const call = (toolCall: JsonObject): JsonObject => ({
    messages: [...messages, { role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f' }, ...toolCall }] }],
  })
  test.each<[JsonObject, string]>([
    [{ max_tokens: 5, max_completion_tokens: 7 }, 'body.max_completion_tokens: does not go with body.max_tokens'],
    [{ modalities: ['text', 'audio'] }, 'body.modalities: only ["text"] can be translated'],
    [{ modalities: 'text' }, 'body.modalities: only ["text"]'],
    [format({ foo: 1 }), 'body.response_format.json_schema.foo: can not'],
    [format({ description: 1 }), 'body.response_format.json_schema.description: expected a text'],
    [
      format({ description: 'D', schema: { description: 1 } }),
      'body.response_format.json_schema.schema.description: expected a text',
    ],
    [{ response_format: { type: 'text', json_schema: {} } }, 'body.response_format.json_schema: can not'],
    [{ response_format: { type: 'json_schema' } }, 'body.response_format.json_schema: is missing'],
    [{ tools: [{ type: 'function', function: { name: 'f' }, foo: 1 }] }, 'body.tools[0].foo: can not'],
    [{ tools: [{ type: 'function', function: { name: 'f', foo: 1 } }] }, 'body.tools[0].function.foo: can not'],
    [{ tools: [{ type: 'custom', custom: { name: 'f' } }] }, 'body.tools[0].type: only "function"'],
    [call({ type: 'custom' }), 'body.messages[1].tool_calls[0].type: only "function"'],
    [call({ foo: 1 }), 'body.messages[1].tool_calls[0].foo: can not'],
    [call({ function: { name: 'f', foo: 1 } }), 'body.messages[1].tool_calls[0].function.foo: can not'],
    [ask({ type: 'text', text: 'x', foo: 1 }), 'body.messages[0].content[0].foo: can not'],
    [ask({ type: 'image_url', image_url: image, foo: 1 }), 'body.messages[0].content[0].foo: can not'],
    [ask({ type: 'image_url', image_url: { ...image, foo: 1 } }), 'body.messages[0].content[0].image_url.foo: can not'],
    [ask({ type: 'file', file: { file_data: data, file_id: 'f' } }), 'body.messages[0].content[0].file.file_id: can not'],
    [ask({ type: 'file', file: { file_data: data, file_url: 'https://x' } }), 'body.messages[0].content[0].file.file_url: can'],
    [ask({ type: 'text', text: 'x', image_url: image }), 'body.messages[0].content[0].image_url: can not'],
    [respond({ type: 'image_url', image_url: image }), 'body.messages[1].content[0].type: only text'],
    [respond({ text: 'x' }), 'body.messages[1].content[0].type: is missing'],
    [respond({ type: 'text', text: 'x', foo: 1 }), 'body.messages[1].content[0].foo: can not'],
    [respond({ type: 'text', text: 'x' }, { name: 'f' }), 'body.messages[1].name: can not'],
  ])('%j', (body, message) => {
    expect(() => translate(body)).toThrow(message)
  })
})
