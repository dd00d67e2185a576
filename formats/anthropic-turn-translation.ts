import type { JsonObject } from '../core/json.ts'
import {
  fieldsOf,
  type NativeField,
  type NativeFields,
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
  type DraftCall,
  type DraftPart,
  leaveOut,
  type TranslationDraft,
  warn,
} from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** One turn of the Messages API. Results of calls are messages of their own elsewhere. https://platform.claude.com/docs/en/api/messages/create */
export function translateTurn({ value, path }: NativeField, draft: TranslationDraft): void {
  const turn = fieldsOf(value, path)
  const role = takeRequiredText(turn, 'role')
  const content = takeRequired(turn, 'content')
  refuseRest(turn)
  if (typeof content.value === 'string') {
    addMessage(draft, role, [textPart(content.value, content.path)], path)
    return
  }
  const blocks = requireList(content)
  if (role === 'assistant') translateAnswer(blocks, path, draft)
  else if (role === 'system') addMessage(draft, role, toTexts(content, draft), path)
  else translateQuestion(blocks, role, path, draft)
}

/** Texts, as one or as blocks: a system prompt. */
export function toTexts(content: NativeField, draft: TranslationDraft): DraftPart[] {
  if (typeof content.value === 'string') return [textPart(content.value, content.path)]
  return requireList(content).map(({ value, path }) => {
    const block = fieldsOf(value, path)
    const type = takeRequiredText(block, 'type')
    if (type !== 'text') throw unsupportedRequest(`${path}.type`, 'only text can be translated here')
    return toTextPart(block, draft)
  })
}

function translateQuestion(blocks: readonly NativeField[], role: string, path: string, draft: TranslationDraft): void {
  let parts: DraftPart[] = []
  const endMessage = () => {
    if (parts.length > 0) addMessage(draft, role, parts, path)
    parts = []
  }
  if (blocks.length === 0) addMessage(draft, role, [], path)
  for (const { value, path: at } of blocks) {
    const block = fieldsOf(value, at)
    const type = takeRequiredText(block, 'type')
    switch (type) {
      case 'text':
        parts.push(toTextPart(block, draft))
        break
      case 'image':
        parts.push(toImage(block, draft))
        break
      case 'document':
        parts.push(toFile(block, draft))
        break
      case 'tool_result':
        endMessage()
        addResult(draft, takeRequiredText(block, 'tool_use_id'), toResult(block, draft), at)
        break
      default:
        throw unsupportedRequest(`${at}.type`, 'only text, image, document and tool_result can be translated')
    }
  }
  endMessage()
}

function translateAnswer(blocks: readonly NativeField[], path: string, draft: TranslationDraft): void {
  const parts: DraftPart[] = []
  const calls: DraftCall[] = []
  for (const { value, path: at } of blocks) {
    const block = fieldsOf(value, at)
    const type = takeRequiredText(block, 'type')
    switch (type) {
      case 'text':
        parts.push(toTextPart(block, draft))
        break
      case 'tool_use':
        calls.push(toCall(block, draft))
        break
      case 'thinking':
      case 'redacted_thinking':
        warn(draft, `${type} left out: only the model that had the thoughts can read them`)
        break
      default:
        throw unsupportedRequest(`${at}.type`, 'only text, tool_use and thinking can be translated')
    }
  }
  addMessage(draft, 'assistant', parts, path, calls)
}

function textPart(text: string, path: string): DraftPart {
  return { part: { type: 'text', text }, path }
}

function toTextPart(block: NativeFields, draft: TranslationDraft): DraftPart {
  const text = takeRequiredText(block, 'text')
  leaveOut(draft, block, ['cache_control', 'citations'])
  refuseRest(block)
  return textPart(text, block.path)
}

/** https://platform.claude.com/docs/en/build-with-claude/vision */
function toImage(block: NativeFields, draft: TranslationDraft): DraftPart {
  const source = takeRequired(block, 'source')
  leaveOut(draft, block, ['cache_control'])
  refuseRest(block)
  const fields = fieldsOf(source.value, source.path)
  const type = takeRequiredText(fields, 'type')
  if (type === 'url') return urlPart('image', fields, block.path)
  if (type === 'base64') return dataPart('image', fields, block.path)
  throw unsupportedRequest(source.path, 'only an image by its address or data can be translated, not its id')
}

/** https://platform.claude.com/docs/en/build-with-claude/pdf-support */
function toFile(block: NativeFields, draft: TranslationDraft): DraftPart {
  const source = takeRequired(block, 'source')
  const name = takeText(block, 'title')
  leaveOut(draft, block, ['cache_control'])
  const citations = take(block, 'citations')
  if (citations !== undefined) {
    const asked = fieldsOf(citations.value, citations.path)
    takeOnly(asked, 'enabled', false)
    refuseRest(asked)
  }
  refuseRest(block)
  const { part, ...origin } = toDocument(source, block.path)
  return { ...origin, part: name === undefined ? part : { ...part, name } }
}

function toDocument(source: NativeField, path: string): DraftPart {
  const fields = fieldsOf(source.value, source.path)
  const type = takeRequiredText(fields, 'type')
  if (type === 'url') return urlPart('file', fields, path)
  if (type === 'base64') return dataPart('file', fields, path)
  if (type !== 'text') throw unsupportedRequest(source.path, 'only base64, text and url can be translated')
  const data = Buffer.from(takeRequiredText(fields, 'data')).toString('base64')
  return { part: { type: 'file', data, media_type: takeText(fields, 'media_type') ?? 'text/plain' }, path }
}

function urlPart(type: 'image' | 'file', source: NativeFields, path: string): DraftPart {
  const { value: url, path: urlPath } = takeRequired(source, 'url')
  refuseRest(source)
  return { part: { type, url }, path, fields: { url: urlPath } }
}

function dataPart(type: 'image' | 'file', source: NativeFields, path: string): DraftPart {
  const data = takeRequired(source, 'data')
  const mediaType = takeRequired(source, 'media_type')
  refuseRest(source)
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
  if (caller !== undefined) takeOnly(fieldsOf(caller.value, caller.path), 'type', 'direct')
  leaveOut(draft, block, ['cache_control'])
  refuseRest(block)
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
  if (failed?.value === true) {
    if (text.trim() === '') throw unsupportedRequest(failed.path, 'can not be translated without a text that says what failed')
    warn(draft, 'is_error left out: only the text of the result says that the call failed')
  }
  leaveOut(draft, block, ['cache_control'])
  refuseRest(block)
  return text
}
