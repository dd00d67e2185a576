import { parseExactJson } from '../core/exact-json.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { ContentPart, GenerateRequest, Message, Tool } from './canonical-request.ts'
import { unsupportedRequest } from './unsupported-request.ts'

export interface ContentsOptions {
  /** The model wants a signature beside each call of a function that it made before (Gemini 3). */
  readonly signsCalls: boolean
}

/**
 * `systemInstruction`, `contents` and `tools` of `generateContent`. Parameters are added by the caller.
 * https://ai.google.dev/api/generate-content
 */
export function toContentsBody(request: GenerateRequest, options: ContentsOptions, warnings: string[]): JsonObject {
  const body: JsonObject = {}
  const system = toSystemParts(request.messages, warnings)
  if (system.length > 0) body['systemInstruction'] = { parts: system }
  body['contents'] = toContents(request.messages, options, warnings)
  if (request.tools !== undefined && request.tools.length > 0) {
    body['tools'] = [{ functionDeclarations: request.tools.map(toFunctionDeclaration) }]
  }
  return body
}

/** The system prompt is a field of its own; what was apart stays apart. */
function toSystemParts(messages: readonly Message[], warnings: string[]): JsonObject[] {
  const parts: JsonObject[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'system') continue
    if (messages.slice(0, index).some((earlier) => earlier.role !== 'system')) {
      warnings.push(`messages[${index}]: a system message in the middle was moved to the system prompt`)
    }
    parts.push(...toTextParts(message.content, `messages[${index}].content`))
  }
  return parts
}

function toContents(messages: readonly Message[], options: ContentsOptions, warnings: string[]): JsonObject[] {
  const contents: JsonObject[] = []
  const names = new Map<string, string>()
  // The answers to parallel calls belong into one turn: https://ai.google.dev/gemini-api/docs/function-calling#parallel_function_calling
  let results: JsonObject[] | null = null
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`
    if (message.role === 'system') continue
    if (message.role === 'tool') {
      const result = toFunctionResponse(message, names, path)
      if (results === null) {
        results = []
        contents.push({ role: 'user', parts: results })
      }
      results.push(result)
      continue
    }
    results = null
    if (message.role !== 'assistant') {
      contents.push({ role: 'user', parts: toUserParts(message.content, `${path}.content`, warnings) })
      continue
    }
    for (const call of message.tool_calls ?? []) names.set(call.id, call.name)
    contents.push({ role: 'model', parts: toModelParts(message, options, path) })
  }
  return contents
}

/**
 * What Gemini 3 takes in the place of a signature that it did not give, as where a conversation comes from another model:
 * https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
 */
const foreignSignature = 'skip_thought_signature_validator'

function toModelParts(
  message: Extract<Message, { role: 'assistant' }>,
  { signsCalls }: ContentsOptions,
  path: string,
): JsonObject[] {
  // An empty text beside calls says nothing, and is refused.
  const texts = toTextParts(message.content, `${path}.content`).filter((part) => part['text'] !== '')
  const calls = (message.tool_calls ?? []).map((call, at): JsonObject => {
    const args = parseArguments(call.arguments, `${path}.tool_calls[${at}].arguments`)
    const part: JsonObject = { functionCall: { id: call.id, name: call.name, args } }
    // Of parallel calls the first one carries it.
    return signsCalls && at === 0 ? { ...part, thoughtSignature: foreignSignature } : part
  })
  const parts = [...texts, ...calls]
  return parts.length === 0 ? [{ text: '' }] : parts
}

/** Gemini takes a call's arguments as an object, not as the text that the model wrote. */
function parseArguments(text: string, path: string): JsonObject {
  let args: unknown = {}
  try {
    if (text.trim() !== '') args = parseExactJson(text)
  } catch (error) {
    throw unsupportedRequest(path, `Gemini takes only a JSON object: ${(error as Error).message}`)
  }
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw unsupportedRequest(path, 'Gemini takes only a JSON object')
  return args as JsonObject
}

/** The answer to a call names its function and is an object; a text becomes its `result`. */
function toFunctionResponse(
  message: Extract<Message, { role: 'tool' }>,
  names: ReadonlyMap<string, string>,
  path: string,
): JsonObject {
  const name = names.get(message.tool_call_id)
  if (name === undefined) {
    throw unsupportedRequest(
      `${path}.tool_call_id`,
      `no call before it has the id "${message.tool_call_id}", and Gemini asks for its name`,
    )
  }
  return { functionResponse: { id: message.tool_call_id, name, response: toResponseObject(message.content) } }
}

function toResponseObject(content: string): JsonObject {
  try {
    const value: unknown = parseExactJson(content)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // A text.
  }
  return { result: content }
}

function toTextParts(content: string | ContentPart[], path: string): JsonObject[] {
  if (typeof content === 'string') return [{ text: content }]
  return content.map((part, at) => {
    if (part.type !== 'text')
      throw unsupportedRequest(`${path}[${at}]`, `only the user's messages can hold an ${part.type}`.replace('an file', 'a file'))
    return { text: part.text }
  })
}

function toUserParts(content: string | ContentPart[], path: string, warnings: string[]): JsonObject[] {
  if (typeof content === 'string') return [{ text: content }]
  return content.map((part, at) => toPart(part, `${path}[${at}]`, warnings))
}

/** https://ai.google.dev/gemini-api/docs/image-understanding#supported-formats */
const imageTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif'])

/** What the end of an address says about what is there; Gemini fetches it itself: https://ai.google.dev/gemini-api/docs/file-input-methods */
const typesByEnding: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  xml: 'text/xml',
  json: 'application/json',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  mp4: 'video/mp4',
}

function toPart(part: ContentPart, path: string, warnings: string[]): JsonObject {
  if (part.type === 'text') return { text: part.text }
  // `displayName` is read only where Google's own tools run: https://ai.google.dev/api/caching#Blob
  if (part.type === 'file' && part.name !== undefined)
    warnings.push(`${path}.name left out: Gemini is not told the names of files`)
  if ('url' in part) return { fileData: toFileData(part.url) }
  const { media_type: mimeType, data } = part
  if (part.type === 'image' && !imageTypes.has(mimeType)) {
    throw unsupportedRequest(path, `Gemini takes no ${mimeType} as an image, only ${[...imageTypes].join(', ')}`)
  }
  return { inlineData: { mimeType, data } }
}

/** The media type that the end of an address tells, if it tells one. */
export function mediaTypeOf(url: string): string | undefined {
  const path = URL.canParse(url) ? new URL(url).pathname : ''
  return typesByEnding[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '']
}

function toFileData(url: string): JsonObject {
  const mimeType = mediaTypeOf(url)
  return mimeType === undefined ? { fileUri: url } : { mimeType, fileUri: url }
}

function toFunctionDeclaration(tool: Tool): Json {
  const declaration: JsonObject = { name: tool.name }
  if (tool.description !== undefined) declaration['description'] = tool.description
  // JSON Schema as it is: https://ai.google.dev/api/caching#FunctionDeclaration
  if (tool.parameters !== undefined) declaration['parametersJsonSchema'] = tool.parameters
  return declaration
}
