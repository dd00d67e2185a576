import { parseExactJson } from '../core/exact-json.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { ContentPart, GenerateRequest, Message, Tool } from './canonical-request.ts'
import { decodeText } from './text-charset.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * `system`, `messages` and `tools` of the Messages API. Parameters are added by the caller.
 * https://platform.claude.com/docs/en/api/messages/create
 */
export function toMessagesBody(model: string, request: GenerateRequest, warnings: string[]): JsonObject {
  const body: JsonObject = { model }
  const system = toSystem(request.messages, warnings)
  if (system !== null) body['system'] = system
  body['messages'] = toTurns(request.messages)
  if (request.tools !== undefined && request.tools.length > 0) body['tools'] = request.tools.map(toAnthropicTool)
  return body
}

/** The system prompt is a field of its own. A text where there is one, else blocks, which keep apart what was apart. */
function toSystem(messages: readonly Message[], warnings: string[]): Json | null {
  const texts: string[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'system') continue
    if (messages.slice(0, index).some((earlier) => earlier.role !== 'system')) {
      warnings.push(`messages[${index}]: a system message in the middle was moved to the system prompt`)
    }
    texts.push(...toTexts(message.content, `messages[${index}].content`))
  }
  if (texts.length <= 1) return texts[0] ?? null
  return texts.map((text) => ({ type: 'text', text }))
}

function toTurns(messages: readonly Message[]): JsonObject[] {
  const turns: JsonObject[] = []
  // The results of parallel calls belong into one turn: https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
  let results: JsonObject[] | null = null
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system') continue
    if (message.role === 'tool') {
      const result: JsonObject = { type: 'tool_result', tool_use_id: message.tool_call_id, content: message.content }
      if (results !== null) {
        results.push(result)
        continue
      }
      results = [result]
      turns.push({ role: 'user', content: results })
      continue
    }
    results = null
    turns.push(toTurn(message, `messages[${index}]`))
  }
  return turns
}

function toTurn(message: Extract<Message, { role: 'user' | 'assistant' | 'system' }>, path: string): JsonObject {
  if (message.role !== 'assistant') return { role: 'user', content: toUserContent(message.content, `${path}.content`) }
  const calls = message.tool_calls ?? []
  if (calls.length === 0 && typeof message.content === 'string') return { role: 'assistant', content: message.content }
  const texts = toTexts(message.content, `${path}.content`)
  return {
    role: 'assistant',
    content: [
      // An empty text block is refused.
      ...texts.filter((text) => text !== '').map((text) => ({ type: 'text', text })),
      ...calls.map((call, at) => ({
        type: 'tool_use',
        id: call.id,
        name: call.name,
        input: parseArguments(call.arguments, `${path}.tool_calls[${at}].arguments`),
      })),
    ],
  }
}

/** Anthropic takes a call's arguments as an object, not as the text that the model wrote. */
function parseArguments(text: string, path: string): JsonObject {
  let input: unknown = {}
  try {
    if (text.trim() !== '') input = parseExactJson(text)
  } catch (error) {
    throw unsupportedRequest(path, `Anthropic takes only a JSON object: ${(error as Error).message}`)
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw unsupportedRequest(path, 'Anthropic takes only a JSON object')
  return input as JsonObject
}

function toTexts(content: string | ContentPart[], path: string): string[] {
  if (typeof content === 'string') return [content]
  return content.map((part, at) => {
    if (part.type !== 'text')
      throw unsupportedRequest(`${path}[${at}]`, `only the user's messages can hold an ${part.type}`.replace('an file', 'a file'))
    return part.text
  })
}

function toUserContent(content: string | ContentPart[], path: string): Json {
  return typeof content === 'string' ? content : content.map((part, at) => toBlock(part, `${path}[${at}]`))
}

/** https://platform.claude.com/docs/en/build-with-claude/vision */
const imageTypes: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])

function toBlock(part: ContentPart, path: string): JsonObject {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image': {
      if ('url' in part) return { type: 'image', source: { type: 'url', url: part.url } }
      const { media_type: mediaType, data } = part
      if (!imageTypes.has(mediaType)) {
        throw unsupportedRequest(path, `Anthropic takes no ${mediaType}, only ${[...imageTypes].join(', ')}`)
      }
      return { type: 'image', source: { type: 'base64', media_type: mediaType, data } }
    }
    case 'file': {
      const block: JsonObject = { type: 'document', source: toDocumentSource(part, path) }
      if (part.name !== undefined) block['title'] = part.name
      return block
    }
  }
}

/** https://platform.claude.com/docs/en/build-with-claude/pdf-support; a URL can only be one of a PDF. */
function toDocumentSource(part: Extract<ContentPart, { type: 'file' }>, path: string): JsonObject {
  if ('url' in part) return { type: 'url', url: part.url }
  const { media_type: mediaType, data } = part
  if (mediaType === 'application/pdf') return { type: 'base64', media_type: mediaType, data }
  if (!mediaType.startsWith('text/')) throw unsupportedRequest(path, `Anthropic takes no ${mediaType}, only PDF and text`)
  // Others take bytes; here they become a text, and a wrong guess would turn them into something else.
  const text = decodeText(Buffer.from(data, 'base64'), 'utf-8')
  if (text === null)
    throw unsupportedRequest(
      path,
      `is no text in UTF-8: name its charset with its media type, like "${mediaType};charset=iso-8859-1"`,
    )
  return { type: 'text', media_type: 'text/plain', data: text }
}

function toAnthropicTool(tool: Tool): JsonObject {
  const definition: JsonObject = { name: tool.name }
  if (tool.description !== undefined) definition['description'] = tool.description
  definition['input_schema'] = tool.parameters ?? { type: 'object', properties: {} }
  return definition
}
