import { readConversation, readMessage, tokensOf, type Message, type Prompt as AnyPrompt } from '../answers/prompt.ts'
import { isObject, type JsonObject } from '../json.ts'
import { hashHex } from '../random.ts'
import type { Endpoint } from './wire.ts'

export interface Prompt extends AnyPrompt {
  /** Embeddings: what is embedded. */
  readonly inputs: readonly string[]
}

export function readPrompt(endpoint: Endpoint, body: JsonObject): Prompt {
  const model = typeof body['model'] === 'string' ? body['model'] : ''
  if (endpoint === '/v1/embeddings') return readEmbeddingPrompt(model, body)
  const messages = endpoint === '/v1/chat/completions' ? chatMessages(body) : responseMessages(body)
  return {
    ...readConversation(messages),
    model,
    maxTokens: firstNumber(body['max_completion_tokens'], body['max_tokens'], body['max_output_tokens']),
    schema: schemaOf(endpoint, body),
    tool: forcedTool(body),
    reasons: isReasoningModel(model),
    inputs: [],
  }
}

/** https://developers.openai.com/api/docs/guides/reasoning: the o series, and gpt-5 and later but for the chat variants. */
function isReasoningModel(model: string): boolean {
  return /^o\d|^gpt-5(?!.*chat)/.test(model)
}

function chatMessages(body: JsonObject): Message[] {
  const messages = Array.isArray(body['messages']) ? body['messages'] : []
  return messages.filter(isObject).map(readMessage)
}

function responseMessages(body: JsonObject): Message[] {
  const messages: Message[] = []
  if (typeof body['instructions'] === 'string') messages.push({ role: 'system', text: body['instructions'], images: 0 })
  const input = body['input']
  if (typeof input === 'string') messages.push({ role: 'user', text: input, images: 0 })
  if (Array.isArray(input)) messages.push(...input.filter(isObject).map(readMessage))
  return messages
}

function readEmbeddingPrompt(model: string, body: JsonObject): Prompt {
  const input = body['input']
  const inputs = typeof input === 'string' ? [input] : Array.isArray(input) ? embeddingInputs(input) : []
  return {
    fingerprint: hashHex(inputs.join('\u001e'), 12),
    topic: inputs[0] ?? '',
    model,
    inputTokens: inputs.reduce((sum, text) => sum + Math.max(1, tokensOf(text.length)), 0),
    maxTokens: null,
    schema: null,
    tool: null,
    reasons: false,
    inputs,
  }
}

function embeddingInputs(input: readonly unknown[]): string[] {
  if (input.every((value) => typeof value === 'number')) return [input.join(' ')]
  return input.map((value) => (Array.isArray(value) ? value.join(' ') : String(value)))
}

function firstNumber(...values: unknown[]): number | null {
  return values.find((value) => typeof value === 'number') ?? null
}

function schemaOf(endpoint: Endpoint, body: JsonObject): JsonObject | true | null {
  const format =
    endpoint === '/v1/chat/completions' ? body['response_format'] : isObject(body['text']) ? body['text']['format'] : null
  if (!isObject(format)) return null
  if (format['type'] === 'json_object') return true
  if (format['type'] !== 'json_schema') return null
  const schema = isObject(format['json_schema']) ? format['json_schema']['schema'] : format['schema']
  return isObject(schema) ? schema : true
}

function forcedTool(body: JsonObject): Prompt['tool'] {
  const choice = body['tool_choice']
  const tools = Array.isArray(body['tools']) ? body['tools'].filter(isObject).map(readTool) : []
  if (choice === 'required') return tools[0] ?? null
  if (!isObject(choice)) return null
  const name = isObject(choice['function']) ? choice['function']['name'] : choice['name']
  if (typeof name !== 'string') return null
  return tools.find((tool) => tool.name === name) ?? { name, parameters: null }
}

function readTool(tool: JsonObject): { name: string; parameters: JsonObject | null } {
  const definition = isObject(tool['function']) ? tool['function'] : tool
  return {
    name: typeof definition['name'] === 'string' ? definition['name'] : 'tool',
    parameters: isObject(definition['parameters']) ? definition['parameters'] : null,
  }
}
