import type { JsonObject } from '../core/json.ts'
import {
  type NativeField,
  type NativeFields,
  readObject,
  requireList,
  requireText,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeSilently,
} from './native-fields.ts'
import {
  addMessage,
  addResult,
  type DraftCall,
  type DraftPart,
  leaveOut,
  type TranslationDraft,
  warn,
  warnMovedCalls,
  warnMovedResults,
} from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** One turn of the Messages API. Results of calls are messages of their own elsewhere. https://platform.claude.com/docs/en/api/messages/create */
export function translateTurn(field: NativeField, draft: TranslationDraft): void {
  const { path } = field
  readObject(field, (turn) => {
    const role = takeRequiredText(turn, 'role')
    const content = takeRequired(turn, 'content')
    if (typeof content.value === 'string') addMessage(draft, role, [textPart(content.value, content.path)], path)
    else if (role === 'assistant') translateAnswer(requireList(content), path, draft)
    else if (role === 'system') addMessage(draft, role, toTexts(content, draft), path)
    else translateQuestion(requireList(content), role, path, draft)
  })
}

/** Texts, as one or as blocks: a system prompt. */
export function toTexts(content: NativeField, draft: TranslationDraft): DraftPart[] {
  if (typeof content.value === 'string') return [textPart(content.value, content.path)]
  return requireList(content).map((field) =>
    readObject(field, (block) => {
      const type = takeRequiredText(block, 'type')
      if (type !== 'text') throw unsupportedRequest(`${field.path}.type`, 'only text can be translated here')
      return toTextPart(block, draft)
    }),
  )
}

function translateQuestion(blocks: readonly NativeField[], role: string, path: string, draft: TranslationDraft): void {
  const parts: DraftPart[] = []
  const translateBlock = (block: NativeFields) => {
    const type = takeRequiredText(block, 'type')
    switch (type) {
      case 'text':
        parts.push(toTextPart(block, draft))
        return
      case 'image':
        parts.push(toImage(block, draft))
        return
      case 'document':
        parts.push(toFile(block, draft))
        return
      case 'tool_result':
        if (parts.length > 0) warnMovedResults(draft, path)
        addResult(draft, takeRequiredText(block, 'tool_use_id'), toResult(block, draft), block.path)
        return
      default:
        throw unsupportedRequest(`${block.path}.type`, 'only text, image, document and tool_result can be translated')
    }
  }
  for (const block of blocks) readObject(block, translateBlock)
  if (parts.length > 0 || blocks.length === 0) addMessage(draft, role, parts, path)
}

function translateAnswer(blocks: readonly NativeField[], path: string, draft: TranslationDraft): void {
  const parts: DraftPart[] = []
  const calls: DraftCall[] = []
  const translateBlock = (block: NativeFields) => {
    const type = takeRequiredText(block, 'type')
    switch (type) {
      case 'text':
        if (calls.length > 0) warnMovedCalls(draft, path)
        parts.push(toTextPart(block, draft))
        return
      case 'tool_use':
        calls.push(toCall(block, draft))
        return
      case 'thinking':
      case 'redacted_thinking':
        takeSilently(block, ...(type === 'thinking' ? ['thinking', 'signature'] : ['data']))
        warn(draft, `${type} left out: only the model that had the thoughts can read them`)
        return
      default:
        throw unsupportedRequest(`${block.path}.type`, 'only text, tool_use and thinking can be translated')
    }
  }
  for (const block of blocks) readObject(block, translateBlock)
  addMessage(draft, 'assistant', parts, path, calls)
}

function textPart(text: string, path: string): DraftPart {
  return { part: { type: 'text', text }, path }
}

function toTextPart(block: NativeFields, draft: TranslationDraft): DraftPart {
  const text = takeRequiredText(block, 'text')
  leaveOut(draft, block, ['cache_control', 'citations'])
  return textPart(text, block.path)
}

/** https://platform.claude.com/docs/en/build-with-claude/vision */
function toImage(block: NativeFields, draft: TranslationDraft): DraftPart {
  leaveOut(draft, block, ['cache_control'])
  const field = takeRequired(block, 'source')
  return readObject(field, (source) => {
    const type = takeRequiredText(source, 'type')
    if (type === 'url') return urlPart('image', source, block.path)
    if (type === 'base64') return dataPart('image', source, block.path)
    throw unsupportedRequest(field.path, 'only an image by its address or data can be translated, not its id')
  })
}

/** https://platform.claude.com/docs/en/build-with-claude/pdf-support */
function toFile(block: NativeFields, draft: TranslationDraft): DraftPart {
  const name = take(block, 'title')
  leaveOut(draft, block, ['cache_control'])
  const citations = take(block, 'citations')
  if (citations !== undefined) readObject(citations, (asked) => takeOnly(asked, 'enabled', false))
  const file = toDocument(takeRequired(block, 'source'), block.path)
  if (name === undefined) return file
  return { ...file, part: { ...file.part, name: requireText(name) }, fields: { ...file.fields, name: name.path } }
}

function toDocument(field: NativeField, path: string): DraftPart {
  return readObject(field, (source): DraftPart => {
    const type = takeRequiredText(source, 'type')
    if (type === 'url') return urlPart('file', source, path)
    if (type === 'base64') return dataPart('file', source, path)
    if (type !== 'text') throw unsupportedRequest(field.path, 'only base64, text and url can be translated')
    takeOnly(source, 'media_type', 'text/plain')
    const text = takeRequired(source, 'data')
    const data = Buffer.from(requireText(text)).toString('base64')
    return { part: { type: 'file', data, media_type: 'text/plain' }, path, fields: { data: text.path } }
  })
}

function urlPart(type: 'image' | 'file', source: NativeFields, path: string): DraftPart {
  const { value: url, path: urlPath } = takeRequired(source, 'url')
  return { part: { type, url }, path, fields: { url: urlPath } }
}

function dataPart(type: 'image' | 'file', source: NativeFields, path: string): DraftPart {
  const data = takeRequired(source, 'data')
  const mediaType = takeRequired(source, 'media_type')
  const part: JsonObject = { type, data: data.value, media_type: mediaType.value }
  return { part, path, fields: { data: data.path, media_type: mediaType.path } }
}

function toCall(block: NativeFields, draft: TranslationDraft): DraftCall {
  const input = take(block, 'input')
  const call: JsonObject = {
    id: takeRequiredText(block, 'id'),
    name: takeRequiredText(block, 'name'),
    arguments: JSON.stringify(input?.value ?? {}),
  }
  const caller = take(block, 'caller')
  if (caller !== undefined) readObject(caller, (by) => takeOnly(by, 'type', 'direct'))
  leaveOut(draft, block, ['cache_control'])
  return { call, path: block.path }
}

/** A result's texts. That a call failed is elsewhere said in words alone: without any it would be lost. */
function toResult(block: NativeFields, draft: TranslationDraft): string {
  const content = take(block, 'content')
  const text =
    content === undefined
      ? ''
      : toTexts(content, draft)
          .map(({ part, path }) => requireText({ value: part['text'] ?? '', path }))
          .join('')
  const failed = take(block, 'is_error')
  if (failed !== undefined && typeof failed.value !== 'boolean') throw unsupportedRequest(failed.path, 'expected true or false')
  if (failed?.value === true) {
    if (text.trim() === '') throw unsupportedRequest(failed.path, 'can not be translated without a text that says what failed')
    warn(draft, 'is_error left out: only the text of the result says that the call failed')
  }
  leaveOut(draft, block, ['cache_control'])
  return text
}
