import type { JsonObject } from '../core/json.ts'
import { callIdOfPlace } from './gemini-call-ids.ts'
import { mediaTypeOf } from './gemini-contents.ts'
import {
  type NativeField,
  type NativeFields,
  readCamelCaseObject,
  refuseRest,
  requireList,
  requireObject,
  requireText,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeSilently,
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
  warnMovedCalls,
  warnMovedResults,
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

/**
 * Translates the contents of one request, in their order: an answer to a call may name only the function. `callIds` are those that calls of the request have of their
 * own. https://ai.google.dev/api/caching#Content
 */
export function createContentTranslation(draft: TranslationDraft, callIds: ReadonlySet<string>): ContentTranslation {
  const open: OpenCall[] = []
  let calls = 0

  const toCall = (field: NativeField, path: string): DraftCall =>
    readCamelCaseObject(field, (fields) => {
      const name = takeRequiredText(fields, 'name')
      calls += 1
      const id = takeText(fields, 'id') ?? callIdOfPlace(calls, callIds)
      const args = take(fields, 'args')
      open.push({ id, name })
      const text = args === undefined ? '{}' : JSON.stringify(requireObject(args.value, args.path))
      return { call: { id, name, arguments: text }, path }
    })

  const addResponse = (field: NativeField): void =>
    readCamelCaseObject(field, (fields) => {
      const id = takeText(fields, 'id')
      const name = takeText(fields, 'name')
      const response = take(fields, 'response')
      takeOnly(fields, 'willContinue', false)
      const at = open.findIndex((call) => (id === undefined ? call.name === name : call.id === id))
      const [call] = at < 0 ? [] : open.splice(at, 1)
      if (call === undefined) throw unsupportedRequest(field.path, 'answers no call before it')
      if (name !== undefined && name !== call.name)
        throw unsupportedRequest(`${field.path}.name`, `is "${name}", but the call with this id is of "${call.name}"`)
      addResult(draft, call.id, response === undefined ? '' : toResultText(response), field.path)
    })

  const addQuestion = (parts: readonly NativeField[], path: string): void => {
    const collected: DraftPart[] = []
    const translatePart = (part: NativeFields) => {
      const response = take(part, 'functionResponse')
      if (response === undefined) {
        collected.push(toPart(part, draft))
        return
      }
      leaveOutOfPart(part, draft)
      if (collected.length > 0) warnMovedResults(draft, path)
      addResponse(response)
    }
    for (const part of parts) readCamelCaseObject(part, translatePart)
    if (collected.length > 0) addMessage(draft, 'user', collected, path)
  }

  const addAnswer = (parts: readonly NativeField[], path: string): void => {
    const texts: DraftPart[] = []
    const asked: DraftCall[] = []
    const translatePart = (part: NativeFields) => {
      if (part.left.get('thought')?.value === true) {
        takeSilently(part, 'thought', 'text', 'inlineData', 'thoughtSignature')
        warn(draft, 'thoughts left out: only the model that had them can read them')
        return
      }
      const call = take(part, 'functionCall')
      if (call === undefined) {
        const said = toPart(part, draft)
        // The last signature may come with an empty text: https://ai.google.dev/gemini-api/docs/thought-signatures
        if (said.part['text'] === '') return
        if (asked.length > 0) warnMovedCalls(draft, path)
        texts.push(said)
        return
      }
      leaveOutOfPart(part, draft)
      asked.push(toCall(call, part.path))
    }
    for (const part of parts) readCamelCaseObject(part, translatePart)
    addMessage(draft, 'assistant', texts, path, asked)
  }

  return {
    addSystem(field) {
      readCamelCaseObject(field, (content) => {
        // It is the system's, whatever is written there.
        takeSilently(content, 'role')
        const parts = requireList(takeRequired(content, 'parts'))
        addMessage(
          draft,
          'system',
          parts.map((part) => toText(part, draft)),
          field.path,
        )
      })
    },
    addContent(field) {
      readCamelCaseObject(field, (content) => {
        const role = takeText(content, 'role') ?? 'user'
        const given = takeRequired(content, 'parts')
        const parts = requireList(given)
        if (parts.length === 0) throw unsupportedRequest(given.path, 'is empty')
        if (role === 'model') addAnswer(parts, field.path)
        // `function` is the older name of whoever answers calls.
        else if (role === 'user' || role === 'function') addQuestion(parts, field.path)
        else throw unsupportedRequest(`${field.path}.role`, 'only "user" and "model" can be translated')
      })
    },
  }
}

function toText(field: NativeField, draft: TranslationDraft): DraftPart {
  return readCamelCaseObject(field, (part) => {
    leaveOutOfPart(part, draft)
    return { part: { type: 'text', text: takeRequiredText(part, 'text') }, path: part.path }
  })
}

/** A part has one kind of data; another one beside it is refused with the rest. */
function toPart(part: NativeFields, draft: TranslationDraft): DraftPart {
  leaveOutOfPart(part, draft)
  const text = take(part, 'text')
  if (text !== undefined) return { part: { type: 'text', text: requireText(text) }, path: part.path }
  const inline = take(part, 'inlineData')
  if (inline !== undefined) return toInline(inline, part.path, draft)
  const file = take(part, 'fileData')
  if (file !== undefined) return toFile(file, part.path, draft)
  refuseRest(part)
  throw unsupportedRequest(part.path, 'is empty')
}

/** What may be beside the data of a part without saying anything of the question. */
function leaveOutOfPart(part: NativeFields, draft: TranslationDraft): void {
  leaveOut(draft, part, ['thoughtSignature', 'partMetadata', 'mediaResolution'])
  takeOnly(part, 'thought', false)
}

/** A text is written by our own renderer as `result`, by Google's guides as `output`. */
function toResultText({ value, path }: NativeField): string {
  const entries = Object.entries(requireObject(value, path))
  const [name, only] = entries[0] ?? []
  const isText = entries.length === 1 && (name === 'result' || name === 'output')
  return isText && typeof only === 'string' ? only : JSON.stringify(value)
}

function toInline(field: NativeField, partPath: string, draft: TranslationDraft): DraftPart {
  return readCamelCaseObject(field, (fields) => {
    const mimeType = takeRequired(fields, 'mimeType')
    const data = takeRequired(fields, 'data')
    const source = { data: toBase64(requireText(data)), media_type: mimeType.value }
    const part = withType(requireText(mimeType), mimeType.path, source, fields, draft)
    return { part, path: partPath, fields: { data: data.path, media_type: mimeType.path } }
  })
}

/** Google's JSON takes base64 in both of its alphabets, and without its end. */
function toBase64(text: string): string {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/')
  return standard.padEnd(Math.ceil(standard.length / 4) * 4, '=')
}

/** Files of Gemini's own storage, which nobody else can read. https://ai.google.dev/gemini-api/docs/file-input-methods */
const ownStorage = /^(?!https?:)|^https?:\/\/generativelanguage\.googleapis\.com\//i

function toFile(field: NativeField, partPath: string, draft: TranslationDraft): DraftPart {
  return readCamelCaseObject(field, (fields) => {
    const uri = takeRequired(fields, 'fileUri')
    const url = requireText(uri)
    if (ownStorage.test(url))
      throw unsupportedRequest(uri.path, "only Gemini can read a file of its own: give the file's data or address")
    const given = take(fields, 'mimeType')
    const path = given?.path ?? `${field.path}.mimeType`
    // Whoever fetches the file is told what it is.
    const mimeType = given === undefined ? mediaTypeOf(url) : requireText(given)
    if (mimeType === undefined) throw unsupportedRequest(path, 'is missing: it says whether this is an image or a file')
    return { part: withType(mimeType, path, { url }, fields, draft), path: partPath, fields: { url: uri.path } }
  })
}

function withType(mimeType: string, path: string, source: JsonObject, fields: NativeFields, draft: TranslationDraft): JsonObject {
  if (/^(audio|video)\//i.test(mimeType))
    throw unsupportedRequest(path, `${mimeType} can not be translated, only images and files`)
  if (/^image\//i.test(mimeType)) {
    // Images have no names elsewhere.
    leaveOut(draft, fields, ['displayName'])
    return { type: 'image', ...source }
  }
  const name = takeText(fields, 'displayName')
  return { type: 'file', ...source, ...(name === undefined ? {} : { name }) }
}
