import type { JsonObject } from '../core/json.ts'
import type { ContentPart, GenerateRequest, Message, Tool } from './canonical-request.ts'
import { toDataUrl } from './data-url.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * The input items and tools of `/v1/responses`. Parameters are added by the caller.
 * https://developers.openai.com/api/reference/resources/responses/methods/create
 */
export function toResponsesBody(model: string, request: GenerateRequest): JsonObject {
  const body: JsonObject = { model, input: request.messages.flatMap(toInputItems) }
  if (request.tools !== undefined && request.tools.length > 0) body['tools'] = request.tools.map(toResponsesTool)
  return body
}

function toInputItems(message: Message, index: number): JsonObject[] {
  const path = `messages[${index}].content`
  switch (message.role) {
    case 'system':
    case 'user':
      return [
        {
          role: message.role,
          content:
            typeof message.content === 'string'
              ? message.content
              : message.content.map((part, at) => toInputPart(part, `${path}[${at}]`, message.role)),
        },
      ]
    case 'assistant': {
      const text =
        typeof message.content === 'string'
          ? message.content
          : message.content.map((part, at) => textOf(part, `${path}[${at}]`)).join('')
      const calls = (message.tool_calls ?? []).map((call) => ({
        type: 'function_call',
        call_id: call.id,
        name: call.name,
        arguments: call.arguments,
      }))
      return text === '' && calls.length > 0 ? calls : [{ role: 'assistant', content: text }, ...calls]
    }
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.tool_call_id, output: message.content }]
  }
}

function textOf(part: ContentPart, path: string): string {
  if (part.type !== 'text') throw unsupportedRequest(path, 'an assistant message can hold only text')
  return part.text
}

function toInputPart(part: ContentPart, path: string, role: 'system' | 'user'): JsonObject {
  if (part.type !== 'text' && role === 'system') throw unsupportedRequest(path, 'a system message can hold only text')
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text }
    case 'image':
      return { type: 'input_image', image_url: 'url' in part ? part.url : toDataUrl(part) }
    case 'file':
      return 'url' in part
        ? { type: 'input_file', file_url: part.url }
        : { type: 'input_file', filename: part.name ?? 'file', file_data: toDataUrl(part) }
  }
}

function toResponsesTool(tool: Tool): JsonObject {
  const definition: JsonObject = { type: 'function', name: tool.name }
  if (tool.description !== undefined) definition['description'] = tool.description
  definition['parameters'] = tool.parameters ?? { type: 'object', properties: {} }
  // The default at this endpoint is `true`, which refuses most schemas that people write; chat completions default to false.
  definition['strict'] = false
  return definition
}
