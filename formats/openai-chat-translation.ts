import type { Json, JsonObject } from '../core/json.ts'
import type { GenerateRequest } from './canonical-request.ts'
import { parseNeutralLine } from './neutral-line.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Parameters that say nothing about the question: left out, with a warning. */
const incidental: ReadonlySet<string> = new Set([
  'frequency_penalty',
  'logit_bias',
  'metadata',
  'parallel_tool_calls',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'seed',
  'service_tier',
  'store',
  'user',
  'verbosity',
])

/**
 * The body of a line for `/v1/chat/completions` as a request in nobody's terms. Throws `unsupported_request` that names the field for whatever would change the
 * question if it were left out. https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
 */
export function fromChatBody(body: JsonObject, warnings: string[]): GenerateRequest {
  const line: JsonObject = {}
  for (const [name, value] of Object.entries(body)) if (value !== null) translate(name, value, line, warnings)
  // The newer of two names for the same wins, as it does at OpenAI.
  if (typeof body['max_completion_tokens'] === 'number') line['max_tokens'] = body['max_completion_tokens']
  const result = parseNeutralLine(line)
  if ('problem' in result) throw unsupportedRequest(`body.${result.problem.field ?? 'messages'}`, result.problem.reason)
  return result.parsed.request as GenerateRequest
}

function translate(name: string, value: Json, line: JsonObject, warnings: string[]): void {
  const field = `body.${name}`
  switch (name) {
    case 'model':
    case 'max_completion_tokens':
      return
    case 'max_tokens':
    case 'temperature':
    case 'top_p':
    case 'stop':
    case 'reasoning_effort':
      line[name] = value
      return
    case 'messages':
      line['messages'] = list(value, field).map((message, index) => toMessage(message, `${field}[${index}]`))
      return
    case 'tools':
      line['tools'] = list(value, field).map((tool, index) => toTool(tool, `${field}[${index}]`))
      return
    case 'response_format':
      addFormat(object(value, field), field, line)
      return
    case 'tool_choice':
      if (value !== 'auto') throw unsupportedRequest(field, 'only "auto" can be translated')
      return
    case 'n':
    case 'stream':
    case 'logprobs':
      if (value !== 1 && value !== false) throw unsupportedRequest(field, 'can not be translated')
      return
    default:
      if (!incidental.has(name)) throw unsupportedRequest(field, 'can not be translated')
      warnings.push(`${name} left out: there is nothing like it`)
  }
}

function addFormat(format: JsonObject, field: string, line: JsonObject): void {
  if (format['type'] === 'text') return
  if (format['type'] !== 'json_schema') throw unsupportedRequest(field, 'only "text" and "json_schema" can be translated')
  line['schema'] = object(object(format['json_schema'], `${field}.json_schema`)['schema'], `${field}.json_schema.schema`)
}

function toMessage(value: Json, field: string): JsonObject {
  const { role, content = null, tool_calls: calls, ...rest } = object(value, field)
  const message: JsonObject = { role: role === 'developer' ? 'system' : (role ?? null), ...withoutNulls(rest) }
  // An answer that is only calls has no content.
  message['content'] = Array.isArray(content)
    ? content.map((part, at) => toPart(part, `${field}.content[${at}]`))
    : (content ?? '')
  if (role === 'tool' && Array.isArray(message['content'])) message['content'] = message['content'].map(textOf).join('')
  if (calls != null)
    message['tool_calls'] = list(calls, `${field}.tool_calls`).map((call, at) => toCall(call, `${field}.tool_calls[${at}]`))
  return message
}

function toPart(value: Json, field: string): JsonObject {
  const part = object(value, field)
  const type: unknown = part['type']
  switch (type) {
    case 'text':
      return { type: 'text', text: part['text'] ?? '' }
    case 'image_url':
      return { type: 'image', url: object(part['image_url'], `${field}.image_url`)['url'] ?? '' }
    case 'file': {
      const { file_data: data, filename } = object(part['file'], `${field}.file`)
      if (typeof data !== 'string')
        throw unsupportedRequest(`${field}.file`, "only a file's own data can be translated, not its id")
      return { type: 'file', url: data, ...(typeof filename === 'string' ? { name: filename } : {}) }
    }
    default:
      throw unsupportedRequest(`${field}.type`, 'only text, image_url and file can be translated')
  }
}

function textOf(part: Json): string {
  const text = object(part, 'content')['text']
  return typeof text === 'string' ? text : ''
}

function toCall(value: Json, field: string): JsonObject {
  const call = object(value, field)
  const { name, arguments: text } = object(call['function'], `${field}.function`)
  return { id: call['id'] ?? null, name: name ?? null, arguments: text ?? '' }
}

function toTool(value: Json, field: string): JsonObject {
  // `strict` is OpenAI's own; answers are checked by whoever runs the tool.
  const { strict: _strict, ...definition } = object(object(value, field)['function'], `${field}.function`)
  return withoutNulls(definition)
}

function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
}

function list(value: Json, field: string): Json[] {
  if (!Array.isArray(value)) throw unsupportedRequest(field, 'expected an array')
  return value
}

function object(value: Json | undefined, field: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unsupportedRequest(field, 'expected an object')
  return value
}
