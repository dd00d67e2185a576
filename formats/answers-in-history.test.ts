import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../core/json.ts'
import type { NativeRequest } from './canonical-request.ts'
import { parseInputLine } from './input-line.ts'
import { translate } from './translation.ts'

// What a provider answered goes back into the conversation as it came, with all of its fields.

function translated(line: JsonObject) {
  const { request, warnings } = translate(parseInputLine(JSON.stringify(line), 1).request as NativeRequest)
  return { messages: (request as unknown as { messages: Json[] }).messages, warnings }
}

const question = { role: 'user', content: 'Hi' }
const calls = { tool_calls: [{ id: 'a', name: 'f', arguments: '{"n":1}' }] }

describe('a message of Chat Completions', () => {
  const chat = (...answers: JsonObject[]) =>
    translated({ url: '/v1/chat/completions', body: { model: 'gpt', messages: [question, ...answers, question] } })
  const empty = { refusal: null, annotations: [], audio: null, function_call: null }
  const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{"n":1}' } }
  const citation = { type: 'url_citation', url_citation: { start_index: 0, end_index: 1, title: 'T', url: 'https://x.example' } }

  test.each<[string, JsonObject, JsonObject]>([
    ['a text', { content: 'A', ...empty }, { content: 'A' }],
    ['a text without calls', { content: 'A', ...empty, tool_calls: [] }, { content: 'A' }],
    ['a text with citations', { content: 'A', ...empty, annotations: [citation] }, { content: 'A' }],
    ['calls', { content: null, ...empty, tool_calls: [call] }, { content: '', ...calls }],
    ['a refusal', { content: null, ...empty, refusal: 'No.' }, { content: 'No.' }],
    ['a refusal beside an empty text', { content: '', ...empty, refusal: 'No.' }, { content: 'No.' }],
    ['an empty refusal', { content: 'A', refusal: '' }, { content: 'A' }],
    ['a refusal as a part', { content: [{ type: 'refusal', refusal: 'No.' }] }, { content: 'No.' }],
  ])('%s', (_, answer, message) => {
    const { messages, warnings } = chat({ role: 'assistant', ...answer })
    expect(messages).toEqual([question, { role: 'assistant', ...message }, question])
    expect(warnings).toEqual([])
  })

  test.each<[JsonObject, string]>([
    [{ role: 'assistant', content: null, refusal: 3 }, 'body.messages[1].refusal: expected a text'],
    [{ role: 'assistant', content: 'A', audio: { id: 'a' } }, 'body.messages[1].audio: can not'],
    [{ role: 'assistant', content: null, function_call: { name: 'f' } }, 'body.messages[1].function_call: can not'],
    [{ role: 'user', content: 'A', annotations: [] }, 'body.messages[1].annotations: can not'],
    [{ role: 'user', content: 'A', refusal: 'No.' }, 'body.messages[1].refusal: can not'],
  ])('but not %j', (message, problem) => {
    expect(() => chat(message)).toThrow(problem)
  })
})

test('items of Responses', () => {
  const message = { type: 'message', id: 'm', status: 'completed', role: 'assistant', phase: null }
  const { messages, warnings } = translated({
    url: '/v1/responses',
    body: {
      model: 'gpt',
      input: [
        question,
        {
          type: 'reasoning',
          id: 'r',
          summary: [{ type: 'summary_text', text: 's' }],
          content: [],
          encrypted_content: null,
          status: null,
        },
        { ...message, content: [{ type: 'output_text', text: 'A', annotations: [{ type: 'file_path' }], logprobs: [] }] },
        {
          type: 'function_call',
          id: 'c',
          status: 'completed',
          call_id: 'a',
          name: 'f',
          arguments: '{"n":1}',
          async: false,
          caller: { type: 'direct' },
        },
        { type: 'function_call_output', call_id: 'a', output: 'one' },
        { ...message, content: [{ type: 'refusal', refusal: 'No.' }] },
        question,
      ],
    },
  })
  expect(messages).toEqual([
    question,
    { role: 'assistant', content: 'A', ...calls },
    { role: 'tool', tool_call_id: 'a', content: 'one' },
    { role: 'assistant', content: 'No.' },
    question,
  ])
  expect(warnings).toEqual(['reasoning left out: only the model that had the thoughts can read them'])
})

test('the content of a message of Anthropic’s', () => {
  const content = [
    { type: 'thinking', thinking: 't', signature: 's' },
    { type: 'text', text: 'A', citations: null },
    { type: 'tool_use', id: 'a', name: 'f', input: { n: 1 }, caller: { type: 'direct' }, toolset_name: null },
  ]
  const { messages, warnings } = translated({
    params: { model: 'claude', max_tokens: 9, messages: [question, { role: 'assistant', content }, question] },
  })
  expect(messages).toEqual([question, { role: 'assistant', content: 'A', ...calls }, question])
  expect(warnings).toEqual(['thinking left out: only the model that had the thoughts can read them'])
})

describe('the content of a candidate of Gemini’s', () => {
  const user = { role: 'user', parts: [{ text: 'Hi' }] }
  test.each<[string, JsonObject[], JsonObject]>([
    [
      'with a signature in an empty text',
      [{ text: 'A' }, { text: '', thoughtSignature: 's' }],
      { role: 'assistant', content: 'A' },
    ],
    [
      'with a signature beside a call',
      [{ text: 'A' }, { functionCall: { id: 'a', name: 'f', args: { n: 1 } }, thoughtSignature: 's' }],
      { role: 'assistant', content: 'A', ...calls },
    ],
    [
      'with a signature after a call',
      [{ text: 'A' }, { functionCall: { id: 'a', name: 'f', args: { n: 1 } } }, { text: '', thoughtSignature: 's' }],
      { role: 'assistant', content: 'A', ...calls },
    ],
    ['of an empty text', [{ text: '', thoughtSignature: 's' }], { role: 'assistant', content: '' }],
  ])('%s', (_, parts, message) => {
    const { messages, warnings } = translated({ request: { contents: [user, { role: 'model', parts }, user] } })
    expect(messages).toEqual([question, message, question])
    expect(warnings).toEqual(['thoughtSignature left out: there is nothing like it'])
  })
})
