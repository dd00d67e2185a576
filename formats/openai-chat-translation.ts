import type { JsonObject } from '../core/json.ts'
import {
  type NativeField,
  type NativeFields,
  readObject,
  requireList,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeSilently,
  takeText,
} from './native-fields.ts'
import {
  incidentalOfBody,
  incidentalOfPart,
  takeSchema,
  toFilePart,
  toFunction,
  toRefusal,
  toSourcePart,
} from './openai-common-translation.ts'
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

/** What says nothing about the question, of this endpoint and of both: left out, with a warning. */
const incidental = [...incidentalOfBody, 'frequency_penalty', 'logit_bias', 'presence_penalty', 'seed', 'verbosity'] as const

/**
 * The body of a line for `/v1/chat/completions` as a request in nobody's terms. Throws `unsupported_request` that names the field for whatever would change the
 * question if it were left out. https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
 */
export function fromChatBody(body: JsonObject): Translation {
  const draft = createDraft('body', 'messages')
  readObject({ value: body, path: 'body' }, (fields) => {
    takeSilently(fields, 'model')
    for (const message of requireList(takeRequired(fields, 'messages'))) translateMessage(message, draft)
    // Two names for the same, which OpenAI refuses at once: https://github.com/langchain-ai/langgraph/issues/5943
    for (const name of ['max_tokens', 'max_completion_tokens']) setField(draft, 'max_tokens', take(fields, name))
    for (const name of ['temperature', 'top_p', 'stop', 'reasoning_effort']) setField(draft, name, take(fields, name))
    const tools = take(fields, 'tools')
    if (tools !== undefined) setField(draft, 'tools', { ...tools, value: requireList(tools).map(toTool) })
    const format = take(fields, 'response_format')
    if (format !== undefined) addFormat(format, draft)
    takeOnly(fields, 'tool_choice', 'auto')
    takeOnly(fields, 'n', 1)
    takeOnly(fields, 'stream', false)
    takeOnly(fields, 'logprobs', false)
    takeOnly(fields, 'modalities', ['text'])
    leaveOut(draft, fields, incidental)
  })
  return finishDraft(draft)
}

function addFormat(field: NativeField, draft: TranslationDraft): void {
  readObject(field, (format) => {
    const type = take(format, 'type')?.value
    if (type === 'text') return
    if (type !== 'json_schema') throw unsupportedRequest(field.path, 'only "text" and "json_schema" can be translated')
    readObject(takeRequired(format, 'json_schema'), (fields) => takeSchema(fields, draft))
  })
}

function translateMessage(message: NativeField, draft: TranslationDraft): void {
  const { path } = message
  readObject(message, (fields) => {
    const role = takeRequiredText(fields, 'role')
    const content = take(fields, 'content')
    if (role === 'tool') {
      addResult(draft, takeRequiredText(fields, 'tool_call_id'), content === undefined ? '' : toText(content, draft), path)
      return
    }
    const calls = take(fields, 'tool_calls')
    const parts = content === undefined ? [] : toParts(content, draft)
    // An answer that is only calls has no content.
    if (parts.length === 0 && role !== 'assistant') throw unsupportedRequest(`${path}.content`, 'is missing')
    const known = role === 'developer' ? 'system' : role
    const said = role === 'assistant' ? [...parts.filter(({ part }) => part['text'] !== ''), ...takeRestOfAnswer(fields)] : parts
    addMessage(draft, known, said, path, calls === undefined ? [] : requireList(calls).map(toCall))
  })
}

/** What an answer has beside content and calls, which histories hold as it came. A refusal is what the model said, instead of a content. */
function takeRestOfAnswer(fields: NativeFields): DraftPart[] {
  // Of how the text came to be.
  takeSilently(fields, 'annotations')
  const refusal = take(fields, 'refusal')
  return refusal === undefined || refusal.value === '' ? [] : [toRefusal(refusal)]
}

function toParts(content: NativeField, draft: TranslationDraft): DraftPart[] {
  if (typeof content.value === 'string') return [{ part: { type: 'text', text: content.value }, path: content.path }]
  return requireList(content).map((part) => toPart(part, draft))
}

/** Of a result: texts. */
function toText(content: NativeField, draft: TranslationDraft): string {
  if (typeof content.value === 'string') return content.value
  return requireList(content)
    .map((part) =>
      readObject(part, (fields) => {
        if (takeRequiredText(fields, 'type') !== 'text')
          throw unsupportedRequest(`${part.path}.type`, 'only text can be translated in a result')
        leaveOut(draft, fields, incidentalOfPart)
        return takeRequiredText(fields, 'text')
      }),
    )
    .join('')
}

function toPart(part: NativeField, draft: TranslationDraft): DraftPart {
  const { path } = part
  return readObject(part, (fields): DraftPart => {
    const type = takeRequiredText(fields, 'type')
    leaveOut(draft, fields, incidentalOfPart)
    switch (type) {
      case 'text':
        return { part: { type: 'text', text: takeRequiredText(fields, 'text') }, path }
      case 'refusal':
        return toRefusal(takeRequired(fields, 'refusal'))
      case 'image_url':
        return readObject(takeRequired(fields, 'image_url'), (image) => {
          takeSilently(image, 'detail')
          return toSourcePart({ type: 'image' }, takeRequired(image, 'url'), path)
        })
      case 'file':
        return readObject(takeRequired(fields, 'file'), (file) => {
          const data = take(file, 'file_data')
          if (data === undefined) throw unsupportedRequest(file.path, "only a file's own data can be translated, not its id")
          return toFilePart(takeText(file, 'filename'), data, path, `${file.path}.filename`)
        })
      default:
        throw unsupportedRequest(`${path}.type`, 'only text, refusal, image_url and file can be translated')
    }
  })
}

function toCall(field: NativeField): DraftCall {
  const { path } = field
  return readObject(field, (fields) => {
    takeOnly(fields, 'type', 'function')
    const id = takeRequiredText(fields, 'id')
    return readObject(takeRequired(fields, 'function'), (call) => ({
      call: { id, name: takeRequiredText(call, 'name'), arguments: takeText(call, 'arguments') ?? '' },
      path,
      fields: { id: `${path}.id`, name: `${call.path}.name`, arguments: `${call.path}.arguments` },
    }))
  })
}

function toTool(field: NativeField): JsonObject {
  return readObject(field, (fields) => {
    takeOnly(fields, 'type', 'function')
    return readObject(takeRequired(fields, 'function'), toFunction)
  })
}
