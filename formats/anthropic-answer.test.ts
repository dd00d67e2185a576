import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { parseAnthropicResponse, parseAnthropicResultLine } from './anthropic-answer.ts'
import { cleanableParameter } from './cleanable-parameter.ts'

const resultOf = (result: JsonObject) => parseAnthropicResultLine(JSON.stringify({ custom_id: 'tok-7', result })).answer
const message = (content: JsonObject[], more: JsonObject = {}): JsonObject => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-5-5',
  content,
  stop_reason: 'end_turn',
  stop_details: null,
  usage: {
    input_tokens: 50,
    cache_read_input_tokens: 40,
    cache_creation_input_tokens: 10,
    output_tokens: 30,
    output_tokens_details: { thinking_tokens: 20 },
  },
  ...more,
})
const succeeded = (content: JsonObject[], more?: JsonObject) => resultOf({ type: 'succeeded', message: message(content, more) })

describe('succeeded', () => {
  test('text of all blocks without the thinking, and all that was used', () => {
    const answer = succeeded([
      { type: 'thinking', thinking: 'Hm.', signature: 's' },
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
    ])
    expect(answer).toEqual({
      content: { text: 'Hello', output: null, toolCalls: [], embedding: null },
      error: null,
      finishReason: 'stop',
      usage: { input: 100, output: 30, cached: 40, cacheWrite: 10, reasoning: 20 },
      model: 'claude-haiku-5-5',
    })
  })

  test('tool calls, with their arguments as text', () => {
    const call = { type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } }
    expect(succeeded([call], { stop_reason: 'tool_use' })).toMatchObject({
      content: { text: null, toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":1}' }] },
      finishReason: 'tool_calls',
    })
  })

  test.each([
    [{ stop_reason: 'max_tokens' }, 'truncated', 'length'],
    [{ stop_reason: 'model_context_window_exceeded' }, 'invalid_request', 'length'],
    [{ stop_reason: 'refusal', stop_details: { category: 'cyber', explanation: null } }, 'refusal', 'refusal'],
    [{ stop_reason: 'pause_turn' }, 'unknown', null],
  ])('a message that ends by %j is no answer, but is paid for', (end, errorClass, finishReason) => {
    expect(succeeded([{ type: 'text', text: 'Hel' }], end)).toMatchObject({
      content: null,
      error: { class: errorClass },
      finishReason,
      usage: { output: 30 },
    })
  })

  test('the stop sequence, and a reason that may be added, are an end like any other', () => {
    for (const stop_reason of ['stop_sequence', 'something_new', null]) {
      expect(succeeded([{ type: 'text', text: 'x' }], { stop_reason })).toMatchObject({ error: null, finishReason: 'stop' })
    }
  })

  test('the words of a refusal come through', () => {
    const details = { category: 'bio', explanation: 'No.' }
    expect(succeeded([], { stop_reason: 'refusal', stop_details: details }).error?.message).toBe('No.')
  })
})

describe('errored', () => {
  const errored = (error: JsonObject) => resultOf({ type: 'errored', error: { type: 'error', error, request_id: 'req_1' } }).error

  test.each([
    ['api_error', 'transient'],
    ['overloaded_error', 'transient'],
    ['timeout_error', 'transient'],
    ['rate_limit_error', 'rate_limited'],
    ['invalid_request_error', 'invalid_request'],
    ['request_too_large', 'invalid_request'],
    ['not_found_error', 'invalid_request'],
    ['authentication_error', 'auth'],
    ['permission_error', 'auth'],
    ['billing_error', 'auth'],
    ['something_new', 'unknown'],
  ])('%s is %s', (type, errorClass) => {
    expect(errored({ type, message: 'x' })).toMatchObject({ class: errorClass, code: type, requestId: 'req_1', httpStatus: null })
  })

  test('an empty balance is told only by its words', () => {
    const message = 'Your credit balance is too low to access the Anthropic API.'
    expect(errored({ type: 'invalid_request_error', message })?.class).toBe('auth')
  })

  test('the cause is the code, where one is named', () => {
    const details = { error_code: 'image_dimensions_too_large' }
    expect(errored({ type: 'invalid_request_error', message: 'x', details })?.code).toBe('image_dimensions_too_large')
  })

  test.each([
    ['`temperature` is deprecated for this model.', 'temperature'],
    ['"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive"', 'thinking'],
    ['top_k: Extra inputs are not permitted', 'top_k'],
    ['`temperature` and `top_p` cannot both be specified for this model. Please use only one.', 'top_p'],
    ['max_tokens: 300000 > 128000, which is the maximum allowed', null],
    ['messages.0.content: Extra inputs are not permitted', null],
    ['temperature: range: 0..1', null],
  ])('of "%s" the parameter %s can be cleaned away', (text, parameter) => {
    expect(cleanableParameter(errored({ type: 'invalid_request_error', message: text }) as never)).toBe(parameter)
  })

  test('nothing but the type of the result is known', () => {
    expect(resultOf({ type: 'errored' }).error).toMatchObject({ class: 'unknown', code: 'unknown_error' })
  })
})

test.each([
  ['expired', 'expired', 'batch_expired'],
  ['canceled', 'missing', 'batch_cancelled'],
  ['something_new', 'unknown', 'unknown_result'],
])('a result of type %s is %s', (type, errorClass, code) => {
  expect(resultOf({ type })).toMatchObject({ content: null, error: { class: errorClass, code }, usage: { input: 0 } })
})

describe('lines that are no result', () => {
  test.each([
    ['{"custom_id": "tok-7", "result": {"type": "succ', 'tok-7'],
    ['not json', null],
    ['{"custom_id": "tok-7", "result": "x"}', 'tok-7'],
    ['{"custom_id": "tok-7"}', 'tok-7'],
    ['[]', null],
    ['null', null],
  ])('%s', (line, itemId) => {
    expect(parseAnthropicResultLine(line)).toMatchObject({
      itemId,
      raw: line,
      answer: { content: null, error: { class: 'unknown', code: 'unreadable_line' } },
    })
  })

  test('a success without a message is an unreadable answer', () => {
    for (const broken of [{}, { content: 'text' }, null]) {
      expect(resultOf({ type: 'succeeded', message: broken }).error).toMatchObject({
        class: 'unknown',
        code: 'unreadable_answer',
      })
    }
  })
})

describe('realtime', () => {
  const respond = (status: number, body: JsonObject | null) => parseAnthropicResponse({ status, requestId: 'r', body })

  test('an error has its status, and is told by it where the body says nothing', () => {
    expect(respond(400, { error: { type: 'invalid_request_error', message: 'x' } }).error).toMatchObject({
      class: 'invalid_request',
      httpStatus: 400,
      requestId: 'r',
    })
    const classes = [401, 402, 403, 413, 429, 408, 500, 529, 302].map((status) => respond(status, null).error?.class)
    expect(classes).toEqual([
      'auth',
      'auth',
      'auth',
      'invalid_request',
      'rate_limited',
      'transient',
      'transient',
      'transient',
      'unknown',
    ])
  })

  test('an answer that is none carries its status as well', () => {
    expect(respond(200, message([], { stop_reason: 'max_tokens' })).error).toMatchObject({ class: 'truncated', httpStatus: 200 })
    expect(respond(200, null).error).toMatchObject({ code: 'unreadable_answer', httpStatus: 200, requestId: 'r' })
  })
})
