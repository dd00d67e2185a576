import { readConversation, readMessage, tokensOf, type Message, type Prompt as AnyPrompt } from '../answers/prompt.ts'
import { isObject, type JsonObject } from '../json.ts'
import { hashHex } from '../random.ts'
import { fieldOf, listOf, messageOf, textOf } from './field.ts'
import { canStopThinking, thinks, thinksByDefault } from './models.ts'
import { jsonSchemaOf } from './schema.ts'

export interface Prompt extends AnyPrompt {
  readonly stopSequences: readonly string[]
  readonly thoughtsShown: boolean
  /** Tokens that are images, sounds or files. */
  readonly mediaTokens: number
  /** Tokens of the system instruction, the part that requests share. */
  readonly systemTokens: number
  readonly systemText: string
  /** The schema came as JSON Schema, which batches are said to mishandle. */
  readonly byJsonSchema: boolean
}

/** Reads the body of a generateContent: what it asks, and in which shape it wants it answered. */
export function readPrompt(model: string, request: JsonObject): Prompt {
  const config = messageOf(request, 'generationConfig')
  const system = systemOf(request)
  const messages = [...(system === null ? [] : [system]), ...listOf(request, 'contents').filter(isObject).map(contentMessage)]
  const images = messages.reduce((sum, message) => sum + message.images, 0)
  const maxTokens = fieldOf(config, 'maxOutputTokens')
  return {
    ...readConversation(messages),
    model,
    maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
    ...schemaOf(config),
    tool: forcedTool(request),
    reasons: reasons(model, config),
    stopSequences: listOf(config, 'stopSequences').map(String),
    thoughtsShown: fieldOf(messageOf(config, 'thinkingConfig'), 'includeThoughts') === true,
    mediaTokens: images * 85,
    systemTokens: system === null ? 0 : tokensOf(system.text.length),
    systemText: system?.text ?? '',
  }
}

export interface EmbeddingPrompt {
  readonly fingerprint: string
  readonly text: string
  readonly inputTokens: number
  readonly dimensions: number | null
}

/** Reads the body of an embedContent: only text is embedded. */
export function readEmbeddingPrompt(request: JsonObject): EmbeddingPrompt {
  const { text } = contentMessage(messageOf(request, 'content'))
  const dimensions = fieldOf(request, 'outputDimensionality')
  return {
    fingerprint: hashHex(text, 12),
    text,
    inputTokens: Math.max(1, tokensOf(text.length)),
    dimensions: typeof dimensions === 'number' ? dimensions : null,
  }
}

function systemOf(request: JsonObject): Message | null {
  const system = fieldOf(request, 'systemInstruction')
  if (typeof system === 'string') return { role: 'system', text: system, images: 0 }
  return isObject(system) ? { ...contentMessage(system), role: 'system' } : null
}

/** A content as a message; what the model thought is not part of it. */
function contentMessage(content: JsonObject): Message {
  const parts = listOf(content, 'parts').filter((part) => !isObject(part) || part['thought'] !== true)
  return readMessage({ role: content['role'] === 'model' ? 'assistant' : 'user', content: parts })
}

/** `responseSchema` (OpenAPI), `responseJsonSchema`, and `responseFormat`, which replaces both; `true` for any JSON. */
function schemaOf(config: JsonObject): Pick<Prompt, 'schema' | 'byJsonSchema'> {
  const format = listOf(config, 'responseFormat').find((one) => isObject(one) && isObject(one['text']))
  const text = isObject(format) ? messageOf(format, 'text') : {}
  const json = fieldOf(config, 'responseJsonSchema') ?? fieldOf(config, '_responseJsonSchema') ?? text['schema']
  if (isObject(json)) return { schema: json, byJsonSchema: true }
  const schema = fieldOf(config, 'responseSchema')
  if (isObject(schema)) return { schema: jsonSchemaOf(schema), byJsonSchema: false }
  const mimeType = textOf(config, 'responseMimeType') ?? textOf(text, 'mimeType')
  return { schema: mimeType === 'application/json' ? true : null, byJsonSchema: false }
}

function forcedTool(request: JsonObject): Prompt['tool'] {
  const calling = messageOf(messageOf(request, 'toolConfig'), 'functionCallingConfig')
  if (textOf(calling, 'mode') !== 'ANY') return null
  const allowed = listOf(calling, 'allowedFunctionNames')
  const functions = listOf(request, 'tools')
    .filter(isObject)
    .flatMap((tool) => listOf(tool, 'functionDeclarations').filter(isObject))
  const tool = functions.find(({ name }) => allowed.length === 0 || allowed.includes(name))
  if (tool === undefined) return null
  const json = fieldOf(tool, 'parametersJsonSchema')
  return {
    name: textOf(tool, 'name') ?? 'tool',
    parameters: isObject(json) ? json : tool['parameters'] === undefined ? null : jsonSchemaOf(tool['parameters']),
  }
}

function reasons(model: string, config: JsonObject): boolean {
  const thinking = messageOf(config, 'thinkingConfig')
  const budget = fieldOf(thinking, 'thinkingBudget')
  if (budget === 0) return thinks(model) && !canStopThinking(model)
  if (budget !== undefined || fieldOf(thinking, 'thinkingLevel') !== undefined) return thinks(model)
  return thinksByDefault(model)
}
