import { hashHex } from '../random.ts'
import { isObject, type Endpoint, type JsonObject } from './wire.ts'

/** What the simulator has to know of a request body. */
export interface Prompt {
  /** 12 hex digits that stand for the content of the prompt: not for its custom_id, model, parameters, or feedback added to it. */
  readonly fingerprint: string
  /** What the answer is about: the text of the last user message. */
  readonly topic: string
  readonly model: string
  readonly inputTokens: number
  readonly maxTokens: number | null
  /** The JSON schema that the answer must fit; `true` if any JSON object will do. */
  readonly schema: JsonObject | true | null
  /** The tool that the answer must call. */
  readonly tool: { readonly name: string; readonly parameters: JsonObject | null } | null
  /** Embeddings: what is embedded. */
  readonly inputs: readonly string[]
}

const imageTokens = 85
const tokensPerMessage = 3

/** About four characters a token (https://help.openai.com/en/articles/4936856). */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / 4)
}

/** Text that only the simulator's own answers contain. */
export const answerMark = '[sim:'

interface Message {
  readonly role: string
  readonly text: string
  readonly images: number
}

export function readPrompt(endpoint: Endpoint, body: JsonObject): Prompt {
  const model = typeof body['model'] === 'string' ? body['model'] : ''
  if (endpoint === '/v1/embeddings') return readEmbeddingPrompt(model, body)
  const messages = endpoint === '/v1/chat/completions' ? chatMessages(body) : responseMessages(body)
  let characters = 0
  let images = 0
  let topic = ''
  for (const message of messages) {
    characters += message.text.length
    images += message.images
    if (message.role === 'user') topic = message.text
  }
  return {
    fingerprint: hashHex(contentOf(messages), 12),
    topic,
    model,
    inputTokens: tokensOf(characters) + images * imageTokens + messages.length * tokensPerMessage,
    maxTokens: firstNumber(body['max_completion_tokens'], body['max_tokens'], body['max_output_tokens']),
    schema: schemaOf(endpoint, body),
    tool: forcedTool(body),
    inputs: [],
  }
}

/**
 * The text that identifies a prompt, also when it is asked again with feedback on a bad answer: the instructions before the first question, and the
 * first user message of every turn, up to an answer that the simulator itself gave. (Few-shot examples are assistant messages too, but not ours.)
 */
function contentOf(messages: readonly Message[]): string {
  let content = ''
  let asked = false
  let turn = false
  for (const { role, text } of messages) {
    if (role === 'assistant') {
      if (text.includes(answerMark)) break
      turn = false
    } else if (role === 'user') {
      if (!turn) content += `\u001fuser\u001e${text}`
      turn = true
      asked = true
    } else if (!asked) content += `\u001fsystem\u001e${text}`
  }
  return content
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

function readMessage(message: JsonObject): Message {
  const role = typeof message['role'] === 'string' ? message['role'] : 'user'
  const content = message['content']
  if (typeof content === 'string') return { role, text: content, images: 0 }
  let text = ''
  let images = 0
  for (const part of Array.isArray(content) ? content : []) {
    if (!isObject(part)) continue
    if (typeof part['text'] === 'string') text += part['text']
    else {
      // An image or file counts with its content, but its base64 is not text.
      images++
      text += `\u001d${hashHex(JSON.stringify(part), 12)}`
    }
  }
  return { role, text, images }
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
