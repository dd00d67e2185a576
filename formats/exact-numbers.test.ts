import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel } from '../core/model-capabilities.ts'
import { parseAnthropicResultLine } from './anthropic-answer.ts'
import { parseGeminiResultLine } from './gemini-answer.ts'
import { parseInputLine, parseNewInputLine } from './input-line.ts'
import { checkOutput, checkSchema, takeJson } from './json-output.ts'
import { lineOf, renderers } from './renderers.ts'
import { noDefaults } from './rendering.ts'

// Ids of 64 bits are integers that no double holds: rounded, they are those of somebody else.

const id = '12345678901234567891'

const calls = JSON.stringify({
  messages: [
    { role: 'user', content: 'Find it.' },
    { role: 'assistant', content: '', tool_calls: [{ id: 'c', name: 'find', arguments: `{"id":${id}}` }] },
    { role: 'tool', tool_call_id: 'c', content: `{"found":${id}}` },
  ],
})

test.each(['openai', 'anthropic', 'gemini'] as const)('arguments of a call and its result, sent to %s', (kind) => {
  const rendered = renderers[kind](parseInputLine(calls, 1).request, { ...noDefaults, model: 'm' }, () => unknownModel)
  expect(lineOf(kind, 'k', rendered).match(new RegExp(id, 'g'))).toHaveLength(2)
})

test('arguments of a call that a model makes', () => {
  const anthropic = parseAnthropicResultLine(
    `{"custom_id":"k","result":{"type":"succeeded","message":{"model":"m","content":[{"type":"tool_use","id":"c","name":"find","input":{"id":${id}}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}}}`,
  )
  const gemini = parseGeminiResultLine(
    `{"key":"k","response":{"candidates":[{"content":{"parts":[{"functionCall":{"name":"find","args":{"id":${id}}}}]},"finishReason":"STOP"}],"usageMetadata":{}}}`,
  )
  for (const { answer } of [anthropic, gemini])
    expect(answer.content?.toolCalls.map((call) => call.arguments)).toEqual([`{"id":${id}}`])
})

test('an answer in JSON, which its schema takes for a number', () => {
  const schema = { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] }
  const checked = checkOutput(`Here: \n\`\`\`json\n{"id": ${id}}\n\`\`\``, schema)
  expect(checked.ok && JSON.stringify(checked.output)).toBe(`{"id":${id}}`)
  const taken = takeJson(`[${id}]`)
  expect(taken.ok && JSON.stringify(taken.output)).toBe(`[${id}]`)
})

test('a schema with such numbers checks answers, whether it comes with a line or a job', () => {
  const text = `{"type":"object","properties":{"id":{"type":"integer","maximum":9223372036854775807,"enum":[${id},7]}},"required":["id"]}`
  const line = parseInputLine(`{"prompt":"Hi","schema":${text}}`, 1).request
  const schemas = [line.kind === 'generate' ? line.schema : undefined, JSON.parse(text) as JsonObject]
  for (const schema of schemas) {
    expect(() => checkSchema(schema as JsonObject)).not.toThrow()
    expect(checkOutput('{"id":7}', schema as JsonObject).ok).toBe(true)
    expect(checkOutput('{"id":8}', schema as JsonObject).ok).toBe(false)
  }
})

test('a key that is there twice is found beside one', () => {
  const text = `{"prompt":"a","prompt":"b","metadata":{"id":${id}}}`
  expect(() => parseNewInputLine(text, 1)).toThrow(expect.objectContaining({ field: 'prompt' }))
  expect(() => parseNewInputLine(`{"prompt":"a","metadata":{"id":${id}}}`, 1)).not.toThrow()
})
