import type { JsonObject } from '../core/json.ts'
import { mediaTypeOf } from './gemini-contents.ts'
import {
  camelCaseFieldsOf,
  type NativeField,
  type NativeFields,
  refuseRest,
  requireList,
  requireObject,
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

/** A call that was not answered yet. */
interface OpenCall {
  readonly id: string
  readonly name: string
}

export interface ContentTranslation {
  addSystem(field: NativeField): void
  addContent(field: NativeField): void
}

/** Translates the contents of one request, in their order: an answer to a call may name only the function. https://ai.google.dev/api/caching#Content */
export function createContentTranslation(draft: TranslationDraft): ContentTranslation {
  const open: OpenCall[] = []
  let calls = 0

  const toCall = (field: NativeField, path: string): DraftCall => {
    const fields = camelCaseFieldsOf(field.value, field.path)
    const name = takeRequiredText(fields, 'name')
    calls += 1
    // An id came with Gemini 3; without one the place tells calls apart.
    const id = takeText(fields, 'id') ?? `call_${calls}`
    const args = take(fields, 'args')
    refuseRest(fields)
    open.push({ id, name })
    const text = args === undefined ? '{}' : JSON.stringify(requireObject(args.value, args.path))
    return { call: { id, name, arguments: text }, path }
  }

  const addResponse = (field: NativeField): void => {
    const fields = camelCaseFieldsOf(field.value, field.path)
    const id = takeText(fields, 'id')
    const name = takeText(fields, 'name')
    const response = take(fields, 'response')
    takeOnly(fields, 'willContinue', false)
    refuseRest(fields)
    const at = open.findIndex((call) => (id === undefined ? call.name === name : call.id === id))
    const [call] = at < 0 ? [] : open.splice(at, 1)
    if (call === undefined) throw unsupportedRequest(field.path, 'answers no call before it')
    addResult(draft, call.id, response === undefined ? '' : toResultText(response), field.path)
  }

  const addQuestion = (parts: readonly NativeField[], path: string): void => {
    let collected: DraftPart[] = []
    const endMessage = () => {
      if (collected.length > 0) addMessage(draft, 'user', collected, path)
      collected = []
    }
    for (const { value, path: at } of parts) {
      const part = camelCaseFieldsOf(value, at)
      const response = take(part, 'functionResponse')
      if (response === undefined) collected.push(toPart(part, draft))
      else {
        endMessage()
        addResponse(response)
        refusePart(part, draft)
      }
    }
    endMessage()
  }

  const addAnswer = (parts: readonly NativeField[], path: string): void => {
    const texts: DraftPart[] = []
    const asked: DraftCall[] = []
    for (const { value, path: at } of parts) {
      const part = camelCaseFieldsOf(value, at)
      if (take(part, 'thought')?.value === true) {
        warn(draft, 'thoughts left out: only the model that had them can read them')
        continue
      }
      const call = take(part, 'functionCall')
      if (call === undefined) texts.push(toPart(part, draft))
      else {
        asked.push(toCall(call, at))
        refusePart(part, draft)
      }
    }
    addMessage(draft, 'assistant', texts, path, asked)
  }

  return {
    addSystem({ value, path }) {
      const content = camelCaseFieldsOf(value, path)
      take(content, 'role')
      const parts = requireList(takeRequired(content, 'parts'))
      refuseRest(content)
      addMessage(
        draft,
        'system',
        parts.map((part) => toText(part)),
        path,
      )
    },
    addContent({ value, path }) {
      const content = camelCaseFieldsOf(value, path)
      const role = takeText(content, 'role') ?? 'user'
      const given = takeRequired(content, 'parts')
      const parts = requireList(given)
      if (parts.length === 0) throw unsupportedRequest(given.path, 'is empty')
      refuseRest(content)
      if (role === 'model') addAnswer(parts, path)
      // `function` is the older name of whoever answers calls.
      else if (role === 'user' || role === 'function') addQuestion(parts, path)
      else throw unsupportedRequest(`${path}.role`, 'only "user" and "model" can be translated')
    },
  }
}

function toText({ value, path }: NativeField): DraftPart {
  const part = camelCaseFieldsOf(value, path)
  const text = takeRequiredText(part, 'text')
  refuseRest(part)
  return { part: { type: 'text', text }, path }
}

function toPart(part: NativeFields, draft: TranslationDraft): DraftPart {
  const text = take(part, 'text')
  const inline = take(part, 'inlineData')
  const file = take(part, 'fileData')
  refusePart(part, draft)
  if (text !== undefined) return { part: { type: 'text', text: requireText(text) }, path: part.path }
  if (inline !== undefined) return toInline(inline, part.path)
  if (file !== undefined) return toFile(file, part.path)
  throw unsupportedRequest(part.path, 'is empty')
}

/** What may be beside the data of a part without saying anything of the question; all else can't be said elsewhere. */
function refusePart(part: NativeFields, draft: TranslationDraft): void {
  leaveOut(draft, part, ['thoughtSignature', 'partMetadata', 'mediaResolution'])
  takeOnly(part, 'thought', false)
  refuseRest(part)
}

/** A text is written by our own renderer as `result`, by Google's guides as `output`. */
function toResultText({ value, path }: NativeField): string {
  const entries = Object.entries(requireObject(value, path))
  const [name, only] = entries[0] ?? []
  const isText = entries.length === 1 && (name === 'result' || name === 'output')
  return isText && typeof only === 'string' ? only : JSON.stringify(value)
}

function toInline({ value, path }: NativeField, partPath: string): DraftPart {
  const fields = camelCaseFieldsOf(value, path)
  const mimeType = takeRequired(fields, 'mimeType')
  const data = takeRequired(fields, 'data')
  const source = { data: toBase64(requireText(data)), media_type: mimeType.value }
  const part = withType(requireText(mimeType), mimeType.path, source, takeText(fields, 'displayName'))
  refuseRest(fields)
  return { part, path: partPath, fields: { data: data.path, media_type: mimeType.path } }
}

/** Google's JSON takes base64 in both of its alphabets, and without its end. */
function toBase64(text: string): string {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/')
  return standard.padEnd(Math.ceil(standard.length / 4) * 4, '=')
}

/** Files of Gemini's own storage, which nobody else can read. https://ai.google.dev/gemini-api/docs/file-input-methods */
const ownStorage = /^(?!https?:)|^https?:\/\/generativelanguage\.googleapis\.com\//i

function toFile({ value, path }: NativeField, partPath: string): DraftPart {
  const fields = camelCaseFieldsOf(value, path)
  const uri = takeRequired(fields, 'fileUri')
  const url = requireText(uri)
  if (ownStorage.test(url))
    throw unsupportedRequest(uri.path, "only Gemini can read a file of its own: give the file's data or address")
  const mimeType = takeText(fields, 'mimeType') ?? mediaTypeOf(url)
  if (mimeType === undefined)
    throw unsupportedRequest(`${path}.mimeType`, 'is missing: it says whether this is an image or a file')
  const part = withType(mimeType, `${path}.mimeType`, { url }, takeText(fields, 'displayName'))
  refuseRest(fields)
  return { part, path: partPath, fields: { url: uri.path } }
}

function withType(mimeType: string, path: string, source: JsonObject, name: string | undefined): JsonObject {
  if (/^(audio|video)\//i.test(mimeType))
    throw unsupportedRequest(path, `${mimeType} can not be translated, only images and files`)
  if (/^image\//i.test(mimeType)) return { type: 'image', ...source }
  return { type: 'file', ...source, ...(name === undefined ? {} : { name }) }
}
