import type { JsonObject } from '../core/json.ts'
import { parseDataUrl } from './data-url.ts'
import {
  type NativeField,
  type NativeFields,
  fieldsOf,
  refuseRest,
  requireList,
  requireText,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeText,
} from './native-fields.ts'
import {
  addMessage,
  addResult,
  createDraft,
  type DraftCall,
  type DraftPart,
  finishDraft,
  leaveOut,
  setField,
  type Translation,
  type TranslationDraft,
} from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Parameters that say nothing about the question: left out, with a warning. */
const incidental = [
  'frequency_penalty',
  'logit_bias',
  'metadata',
  'moderation',
  'parallel_tool_calls',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'seed',
  'service_tier',
  'store',
  'stream_options',
  'user',
  'verbosity',
] as const

/**
 * The body of a line for `/v1/chat/completions` as a request in nobody's terms. Throws `unsupported_request` that names the field for whatever would change the
 * question if it were left out. https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
 */
export function fromChatBody(body: JsonObject): Translation {
  const draft = createDraft('body', 'messages')
  const fields = fieldsOf(body, 'body')
  take(fields, 'model')
  for (const message of requireList(takeRequired(fields, 'messages'))) translateMessage(message, draft)
  setField(draft, 'max_tokens', take(fields, 'max_tokens'))
  // The newer of two names for the same wins, as it does at OpenAI.
  setField(draft, 'max_tokens', take(fields, 'max_completion_tokens'))
  for (const name of ['temperature', 'top_p', 'stop', 'reasoning_effort']) setField(draft, name, take(fields, name))
  const tools = take(fields, 'tools')
  if (tools !== undefined) setField(draft, 'tools', { ...tools, value: requireList(tools).map(toTool) })
  const format = take(fields, 'response_format')
  if (format !== undefined) addFormat(format, draft)
  takeOnly(fields, 'tool_choice', 'auto')
  takeOnly(fields, 'n', 1)
  takeOnly(fields, 'stream', false)
  takeOnly(fields, 'logprobs', false)
  leaveOut(draft, fields, incidental)
  refuseRest(fields)
  return finishDraft(draft)
}

function addFormat(field: NativeField, draft: TranslationDraft): void {
  const format = fieldsOf(field.value, field.path)
  const type = take(format, 'type')?.value
  if (type === 'text') return
  if (type !== 'json_schema') throw unsupportedRequest(field.path, 'only "text" and "json_schema" can be translated')
  const { value, path } = takeRequired(format, 'json_schema')
  setField(draft, 'schema', takeRequired(fieldsOf(value, path), 'schema'))
}

function translateMessage({ value, path }: NativeField, draft: TranslationDraft): void {
  const fields = fieldsOf(value, path)
  const role = takeRequiredText(fields, 'role')
  const content = take(fields, 'content')
  if (role === 'tool') {
    const id = takeRequiredText(fields, 'tool_call_id')
    refuseRest(fields)
    addResult(draft, id, content === undefined ? '' : toText(content), path)
    return
  }
  const calls = take(fields, 'tool_calls')
  refuseRest(fields)
  const known = role === 'developer' ? 'system' : role
  const parts = content === undefined ? [] : toParts(content)
  // An answer that is only calls has no content.
  if (parts.length === 0 && role !== 'assistant') throw unsupportedRequest(`${path}.content`, 'is missing')
  addMessage(draft, known, parts, path, calls === undefined ? [] : requireList(calls).map(toCall))
}

function toParts(content: NativeField): DraftPart[] {
  if (typeof content.value === 'string') return [{ part: { type: 'text', text: content.value }, path: content.path }]
  return requireList(content).map(toPart)
}

/** Of a result: texts. */
function toText(content: NativeField): string {
  if (typeof content.value === 'string') return content.value
  return requireList(content)
    .map(({ value, path }) => takeRequiredText(fieldsOf(value, path), 'text'))
    .join('')
}

function toPart({ value, path }: NativeField): DraftPart {
  const fields = fieldsOf(value, path)
  const type = takeRequiredText(fields, 'type')
  switch (type) {
    case 'text':
      return { part: { type: 'text', text: takeRequiredText(fields, 'text') }, path }
    case 'image_url': {
      const image = take(fields, 'image_url')
      const url = takeRequired(fieldsOf(image?.value, `${path}.image_url`), 'url')
      return toSourcePart({ type: 'image' }, url, path)
    }
    case 'file': {
      const file = fieldsOf(take(fields, 'file')?.value, `${path}.file`)
      const data = take(file, 'file_data')
      if (data === undefined) throw unsupportedRequest(file.path, "only a file's own data can be translated, not its id")
      return toSourcePart(namedFile(takeText(file, 'filename')), data, path)
    }
    default:
      throw unsupportedRequest(`${path}.type`, 'only text, image_url and file can be translated')
  }
}

export function namedFile(name: string | undefined): JsonObject {
  return { type: 'file', ...(name === undefined ? {} : { name }) }
}

/** A part whose source is an address, or a data URL. */
export function toSourcePart(part: JsonObject, source: NativeField, path: string): DraftPart {
  const url = requireText(source)
  const at = source.path
  return { part: { ...part, ...(parseDataUrl(url) ?? { url }) }, path, fields: { url: at, data: at, media_type: at } }
}

function toCall({ value, path }: NativeField): DraftCall {
  const fields = fieldsOf(value, path)
  const call = fieldsOf(take(fields, 'function')?.value, `${path}.function`)
  return {
    call: {
      id: takeRequiredText(fields, 'id'),
      name: takeRequiredText(call, 'name'),
      arguments: takeText(call, 'arguments') ?? '',
    },
    path,
    fields: { name: `${call.path}.name`, arguments: `${call.path}.arguments` },
  }
}

function toTool({ value, path }: NativeField): JsonObject {
  return toFunction(fieldsOf(take(fieldsOf(value, path), 'function')?.value, `${path}.function`))
}

/** `name`, `description` and `parameters` of a function, as both of OpenAI's endpoints have them. */
export function toFunction(fields: NativeFields): JsonObject {
  // OpenAI's own; calls are checked by whoever runs the function.
  take(fields, 'strict')
  const tool: JsonObject = {}
  for (const name of ['name', 'description', 'parameters']) {
    const field = take(fields, name)
    if (field !== undefined) tool[name] = field.value
  }
  refuseRest(fields)
  return tool
}
