import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { cleanableParameter } from './cleanable-parameter.ts'
import { parseOpenAiResultLine } from './openai-answer.ts'

function answerOf(line: JsonObject) {
  return parseOpenAiResultLine(JSON.stringify({ custom_id: 'tok-1', ...line })).answer
}

const ok = (body: JsonObject) => answerOf({ response: { status_code: 200, request_id: 'req_1', body }, error: null })

const chat = (message: JsonObject, finishReason = 'stop'): JsonObject => ({
  object: 'chat.completion',
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReason }],
  usage: {
    prompt_tokens: 100,
    completion_tokens: 30,
    prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
    completion_tokens_details: { reasoning_tokens: 20 },
  },
})

const response = (output: JsonObject[], more: JsonObject = {}): JsonObject => ({
  object: 'response',
  status: 'completed',
  model: 'gpt-5',
  output,
  usage: {
    input_tokens: 9,
    output_tokens: 5,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens_details: { reasoning_tokens: 2 },
  },
  ...more,
})

describe('chat completions', () => {
  test('text, usage and the model that answered', () => {
    expect(ok(chat({ content: 'Hello' }))).toEqual({
      content: { text: 'Hello', output: null, toolCalls: [], embedding: null },
      error: null,
      finishReason: 'stop',
      usage: { input: 100, output: 30, cached: 40, cacheWrite: 10, reasoning: 20 },
      model: 'gpt-4o-mini-2024-07-18',
    })
  })

  test('tool calls', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }
    expect(ok(chat({ content: null, tool_calls: [call] }, 'tool_calls'))).toMatchObject({
      content: { text: null, toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":1}' }] },
      finishReason: 'tool_calls',
    })
  })

  test.each([
    ['length', { content: 'Hel' }, 'truncated'],
    ['content_filter', { content: '' }, 'content_filter'],
    ['stop', { content: null, refusal: 'I can not.' }, 'refusal'],
  ])('an answer that ends by %s is no answer, but is paid for', (finishReason, message, errorClass) => {
    const answer = ok(chat(message, finishReason))
    expect(answer).toMatchObject({
      content: null,
      error: { class: errorClass, httpStatus: 200, requestId: 'req_1' },
      usage: { output: 30 },
    })
  })
})

describe('responses', () => {
  test('text of all messages, without the reasoning', () => {
    const answer = ok(
      response([
        { type: 'reasoning', summary: [] },
        {
          type: 'message',
          content: [
            { type: 'output_text', text: 'Hel' },
            { type: 'output_text', text: 'lo' },
          ],
        },
      ]),
    )
    expect(answer).toMatchObject({
      content: { text: 'Hello' },
      finishReason: 'stop',
      usage: { input: 9, output: 5, cached: 4, reasoning: 2 },
    })
  })

  test('function calls', () => {
    expect(ok(response([{ type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' }]))).toMatchObject({
      content: { text: null, toolCalls: [{ id: 'c1', name: 'f', arguments: '{}' }] },
      finishReason: 'tool_calls',
    })
  })

  test.each([
    [response([], { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }), 'truncated'],
    [response([], { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }), 'content_filter'],
    [response([{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }]), 'refusal'],
    [response([], { status: 'failed', error: { code: 'server_error', message: 'x' } }), 'transient'],
    [response([], { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'x' } }), 'rate_limited'],
    [response([], { status: 'failed', error: { code: 'invalid_prompt', message: 'x' } }), 'invalid_request'],
    [response([], { status: 'failed', error: { code: 'invalid_image', message: 'x' } }), 'invalid_request'],
  ])('%j', (body, errorClass) => {
    expect(ok(body)).toMatchObject({ content: null, error: { class: errorClass } })
  })
})

describe('embeddings', () => {
  const list = (embeddings: unknown[]): JsonObject => ({
    object: 'list',
    model: 'text-embedding-3-small',
    data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })) as JsonObject[],
    usage: { prompt_tokens: 3, total_tokens: 3 },
  })

  test('as numbers', () => {
    expect(ok(list([[0.5, -1]]))).toMatchObject({
      content: { embedding: [0.5, -1], output: null },
      usage: { input: 3, output: 0 },
    })
  })

  test('as base64', () => {
    const base64 = Buffer.from(new Float32Array([0.5, -1]).buffer).toString('base64')
    expect(ok(list([base64])).content?.embedding).toEqual([0.5, -1])
  })

  test('of a request for several, all are kept', () => {
    expect(ok(list([[1], [2]])).content).toMatchObject({ embedding: null, output: [[1], [2]] })
  })
})

describe('errors', () => {
  const failed = (status: number | null, error: JsonObject | null) =>
    answerOf({ response: { status_code: status, request_id: 'r', body: { error } } }).error

  test.each([
    [0, null, 'transient'],
    [408, null, 'transient'],
    [409, null, 'transient'],
    [500, { code: 'server_error' }, 'transient'],
    [503, null, 'transient'],
    [429, { code: 'rate_limit_exceeded' }, 'rate_limited'],
    [429, { code: 'insufficient_quota' }, 'auth'],
    [400, { code: 'billing_hard_limit_reached' }, 'auth'],
    [401, { code: 'invalid_api_key' }, 'auth'],
    [403, null, 'auth'],
    [400, { code: 'context_length_exceeded', param: 'messages' }, 'invalid_request'],
    [404, { code: 'model_not_found' }, 'invalid_request'],
    [422, null, 'invalid_request'],
    [400, { code: 'content_policy_violation' }, 'content_filter'],
    [302, null, 'unknown'],
  ])('HTTP %i with %j is %s', (status, error, errorClass) => {
    expect(failed(status, error)?.class).toBe(errorClass)
  })

  test('status 0 with an empty body is transient, and no HTTP status', () => {
    const answer = answerOf({ response: { status_code: 0, request_id: '', body: {} }, error: null })
    expect(answer.error).toMatchObject({ class: 'transient', httpStatus: null, requestId: null })
  })

  test.each([
    ['batch_expired', 'expired'],
    ['batch_cancelled', 'missing'],
  ])('a line with error %s is %s', (code, errorClass) => {
    expect(answerOf({ response: null, error: { code, message: 'x' } }).error).toMatchObject({ class: errorClass, code })
    expect(answerOf({ response: { status_code: 0, body: {} }, error: { code, message: 'x' } }).error?.class).toBe(errorClass)
  })

  test('only a parameter that the model does not take can be cleaned away', () => {
    const refused = (code: string, param: string) => cleanableParameter(failed(400, { code, param, message: 'x' }) as never)
    expect(refused('unsupported_parameter', 'temperature')).toBe('temperature')
    expect(refused('unsupported_value', 'reasoning.effort')).toBe('reasoning')
    expect(refused('context_length_exceeded', 'messages')).toBeNull()
    expect(refused('unsupported_value', 'messages[0].role')).toBeNull()
    expect(refused('invalid_value', 'temperature')).toBeNull()
  })
})

describe('lines that are no result', () => {
  test.each([
    ['{"custom_id": "tok-7", "response": {"status_code": 200, "bo', 'tok-7'],
    ['not json', null],
    ['{"custom_id": "tok-7", "response": "x"}', 'tok-7'],
    ['[]', null],
    ['null', null],
  ])('%s', (line, itemId) => {
    expect(parseOpenAiResultLine(line)).toMatchObject({
      itemId,
      raw: line,
      answer: { content: null, error: { class: 'unknown', code: 'unreadable_line' } },
    })
  })

  test('a 200 without a known body is an unreadable answer, not a success', () => {
    for (const body of [{}, { choices: [] }, { data: [] }, null]) {
      expect(answerOf({ response: { status_code: 200, request_id: 'r', body } })).toMatchObject({
        content: null,
        error: { class: 'unknown' },
      })
    }
  })

  test('a line without response and error is transient: nothing was said', () => {
    expect(answerOf({ response: null, error: null }).error?.class).toBe('transient')
  })
})
