import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { cleanableParameter } from './cleanable-parameter.ts'
import { parseGeminiInlinedResponse, parseGeminiResponse, parseGeminiResultLine } from './gemini-answer.ts'

const lineOf = (rest: JsonObject) => parseGeminiResultLine(JSON.stringify({ key: 'tok-7', ...rest }))
const answerOf = (response: JsonObject) => lineOf({ response }).answer
const usageMetadata = {
  promptTokenCount: 100,
  cachedContentTokenCount: 40,
  toolUsePromptTokenCount: 5,
  candidatesTokenCount: 10,
  thoughtsTokenCount: 20,
  totalTokenCount: 135,
}
const said = (parts: JsonObject[], more: JsonObject = {}): JsonObject => ({
  candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0, ...more }],
  usageMetadata,
  modelVersion: 'gemini-3.8-flash',
  responseId: 'r',
})

describe('an answer', () => {
  test('text of all parts without the thoughts, which are billed as output beside the candidates', () => {
    expect(lineOf({ response: said([{ text: 'Hm.', thought: true }, { text: 'Hel' }, { text: 'lo' }]) })).toMatchObject({
      itemId: 'tok-7',
      answer: {
        content: { text: 'Hello', output: null, toolCalls: [], embedding: null },
        error: null,
        finishReason: 'stop',
        usage: { input: 105, output: 30, cached: 40, cacheWrite: 0, reasoning: 20 },
        model: 'gemini-3.8-flash',
      },
    })
  })

  test('calls, with an id even where Gemini gives none', () => {
    const { content, finishReason } = answerOf(
      said([{ functionCall: { id: 'c', name: 'f', args: { a: 1 } }, thoughtSignature: 'x' }, { functionCall: { name: 'g' } }]),
    )
    expect(finishReason).toBe('tool_calls')
    expect(content).toMatchObject({
      text: null,
      toolCalls: [
        { id: 'c', name: 'f', arguments: '{"a":1}' },
        { id: 'call_1', name: 'g', arguments: '{}' },
      ],
    })
  })

  test('a call without an id gets none that another call has', () => {
    const { content } = answerOf(said([{ functionCall: { name: 'f' } }, { functionCall: { id: 'call_0', name: 'f' } }]))
    expect(content?.toolCalls.map(({ id }) => id)).toEqual(['call_0_', 'call_0'])
  })

  test.each([
    ['MAX_TOKENS', 'truncated', 'length', 'length'],
    ['SAFETY', 'content_filter', 'safety', 'content_filter'],
    ['RECITATION', 'content_filter', 'recitation', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter', 'prohibited_content', 'content_filter'],
    ['BLOCKLIST', 'content_filter', 'blocklist', 'content_filter'],
    ['SPII', 'content_filter', 'spii', 'content_filter'],
    ['MALFORMED_FUNCTION_CALL', 'invalid_output', 'malformed_function_call', null],
    ['UNEXPECTED_TOOL_CALL', 'invalid_output', 'unexpected_tool_call', null],
    ['OTHER', 'transient', 'other', null],
    ['MISSING_THOUGHT_SIGNATURE', 'invalid_request', 'missing_thought_signature', null],
    ['PUP_LIMITED_DISABLED', 'auth', 'pup_limited_disabled', null],
    ['TOO_MANY_TOOL_CALLS', 'unknown', 'too_many_tool_calls', null],
  ])('that ends with %s is %s, and billed', (finishReason, errorClass, code, ended) => {
    expect(answerOf(said([{ text: 'Half' }], { finishReason, finishMessage: 'because' }))).toMatchObject({
      content: null,
      error: { class: errorClass, code },
      finishReason: ended,
      usage: { output: 30 },
    })
  })

  test('a blocked prompt has no candidates', () => {
    const blocked = answerOf({ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 9 } })
    expect(blocked).toMatchObject({
      error: { class: 'content_filter', code: 'prompt_prohibited_content' },
      finishReason: 'content_filter',
      usage: { input: 9, output: 0 },
    })
  })

  test('that says nothing is none', () => {
    const empty = { class: 'transient', code: 'empty_answer' }
    expect(answerOf(said([])).error).toMatchObject(empty)
    expect(answerOf({ candidates: [{ finishReason: 'STOP' }] }).error).toMatchObject(empty)
    expect(answerOf({ usageMetadata }).error).toMatchObject(empty)
  })

  test('an embedding, with the tokens that were counted', () => {
    const answer = answerOf({ embedding: { values: [0.5, -1] }, tokenCount: '7' })
    expect(answer).toMatchObject({ content: { embedding: [0.5, -1], text: null }, usage: { input: 7, output: 0 }, model: null })
    expect(answerOf({ embedding: { values: [1] } }).usage.input).toBe(0)
  })
})

describe('an error of a line', () => {
  test.each([
    [{ code: 3, message: 'bad' }, 'invalid_request', 'INVALID_ARGUMENT'],
    [{ code: 400, message: 'bad', status: 'INVALID_ARGUMENT' }, 'invalid_request', 'INVALID_ARGUMENT'],
    [{ code: 8, message: 'quota' }, 'rate_limited', 'RESOURCE_EXHAUSTED'],
    [{ code: 429, message: 'quota' }, 'rate_limited', 'http_429'],
    [{ code: 13, message: 'oops' }, 'transient', 'INTERNAL'],
    [{ code: 503, message: 'busy', status: 'UNAVAILABLE' }, 'transient', 'UNAVAILABLE'],
    [{ code: 4, message: 'late' }, 'transient', 'DEADLINE_EXCEEDED'],
    [{ code: 1, message: 'cancelled' }, 'missing', 'batch_cancelled'],
    [{ code: 7, message: 'no' }, 'auth', 'PERMISSION_DENIED'],
    [{ code: 16, message: 'no' }, 'auth', 'UNAUTHENTICATED'],
    [{ code: 5, message: 'no model' }, 'invalid_request', 'NOT_FOUND'],
    [{ code: 400, message: 'x', details: [{ reason: 'API_KEY_INVALID' }] }, 'auth', 'API_KEY_INVALID'],
    [{ code: 9, message: 'Please enable billing on your project' }, 'auth', 'FAILED_PRECONDITION'],
    [{}, 'unknown', 'unknown_error'],
  ])('%j is %s', (error, errorClass, code) => {
    expect(lineOf({ error })).toMatchObject({ itemId: 'tok-7', answer: { content: null, error: { class: errorClass, code } } })
  })

  test.each([
    ['Thinking level is not supported for this model.', 'thinkingConfig'],
    ['Invalid JSON payload received. Unknown name "top_k" at \'generation_config\': Cannot find field.', 'topK'],
    ['temperature: this parameter is not supported for this model.', 'temperature'],
    ['Invalid JSON payload received. Unknown name "contents" at \'x\': Cannot find field.', null],
    ['Image is not supported', null],
    ['Request contains an invalid argument.', null],
  ])('%s names %s', (message, parameter) => {
    const { error } = lineOf({ error: { code: 3, message } }).answer
    expect(error === null ? null : cleanableParameter(error)).toBe(parameter)
  })
})

describe('what is no answer', () => {
  test('keeps its id where it can be found, and its line', () => {
    const cut = '{"key":"tok-3","response":{"candi'
    expect(parseGeminiResultLine(cut)).toMatchObject({
      itemId: 'tok-3',
      raw: cut,
      answer: { error: { code: 'unreadable_line' } },
    })
    expect(parseGeminiResultLine('{"key":"tok-3","error":5}').itemId).toBe('tok-3')
    expect(parseGeminiResultLine('7').itemId).toBeNull()
    expect(lineOf({})).toMatchObject({ itemId: 'tok-7', answer: { error: { class: 'unknown', code: 'unreadable_answer' } } })
    expect(lineOf({ response: { candidates: 'x' } }).answer.error?.code).toBe('unreadable_answer')
  })
})

test('an inlined response has its key in its metadata', () => {
  expect(parseGeminiInlinedResponse({ metadata: { key: 'tok-1' }, response: said([{ text: 'x' }]) })).toMatchObject({
    itemId: 'tok-1',
    answer: { content: { text: 'x' } },
  })
  expect(parseGeminiInlinedResponse({ error: { code: 13 } })).toMatchObject({
    itemId: null,
    answer: { error: { class: 'transient' } },
  })
  expect(parseGeminiInlinedResponse(null).itemId).toBeNull()
})

test('a realtime answer has its HTTP status in its error', () => {
  expect(parseGeminiResponse({ status: 200, body: said([{ text: 'x' }]) }).content?.text).toBe('x')
  expect(parseGeminiResponse({ status: 200, body: said([], { finishReason: 'SAFETY' }) }).error?.httpStatus).toBe(200)
  const body = { error: { code: 400, message: 'bad', status: 'INVALID_ARGUMENT' } }
  expect(parseGeminiResponse({ status: 400, body }).error).toMatchObject({ class: 'invalid_request', httpStatus: 400 })
  expect(parseGeminiResponse({ status: 200, body: {} }).error?.code).toBe('unreadable_answer')
})
