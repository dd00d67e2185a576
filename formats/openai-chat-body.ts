import type { JsonObject } from '../core/json.ts'
import type { ContentPart, GenerateRequest, Message, Tool } from './canonical-request.ts'
import { toDataUrl } from './data-url.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * The messages and tools of `/v1/chat/completions`. Parameters are added by the caller.
 * https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
 */
export function toChatBody(model: string, request: GenerateRequest): JsonObject {
  const body: JsonObject = { model, messages: request.messages.map(toChatMessage) }
  if (request.tools !== undefined && request.tools.length > 0) body['tools'] = request.tools.map(toChatTool)
  return body
}

function toChatMessage(message: Message, index: number): JsonObject {
  const path = `messages[${index}].content`
  switch (message.role) {
    case 'system':
      return { role: 'system', content: toTextContent(message.content, path) }
    case 'user':
      return {
        role: 'user',
        content:
          typeof message.content === 'string'
            ? message.content
            : message.content.map((part, at) => toChatPart(part, `${path}[${at}]`)),
      }
    case 'assistant': {
      const calls = message.tool_calls ?? []
      const content = toTextContent(message.content, path)
      if (calls.length === 0) return { role: 'assistant', content }
      return {
        role: 'assistant',
        content: content.length === 0 ? null : content,
        tool_calls: calls.map((call) => ({
          id: call.id,
          type: 'function',
          function: { name: call.name, arguments: call.arguments },
        })),
      }
    }
    case 'tool':
      return { role: 'tool', tool_call_id: message.tool_call_id, content: message.content }
  }
}

function toTextContent(content: string | ContentPart[], path: string): string | JsonObject[] {
  if (typeof content === 'string') return content
  return content.map((part, at) => {
    if (part.type !== 'text')
      throw unsupportedRequest(`${path}[${at}]`, `only the user's messages can hold an ${part.type}`.replace('an file', 'a file'))
    return { type: 'text', text: part.text }
  })
}

function toChatPart(part: ContentPart, path: string): JsonObject {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
      return { type: 'image_url', image_url: { url: 'url' in part ? part.url : toDataUrl(part) } }
    case 'file':
      if ('url' in part) {
        throw unsupportedRequest(
          `${path}.url`,
          'OpenAI takes a file by URL only at /v1/responses: set `endpoint` of the job to that, or give `data`',
        )
      }
      return { type: 'file', file: { filename: part.name ?? 'file', file_data: toDataUrl(part) } }
  }
}

function toChatTool(tool: Tool): JsonObject {
  const definition: JsonObject = { name: tool.name }
  if (tool.description !== undefined) definition['description'] = tool.description
  if (tool.parameters !== undefined) definition['parameters'] = tool.parameters
  return { type: 'function', function: definition }
}
