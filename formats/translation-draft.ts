import type { Json, JsonObject } from '../core/json.ts'
import type { EmbedRequest, GenerateRequest } from './canonical-request.ts'
import { type NativeField, type NativeFields, take } from './native-fields.ts'
import { parseNeutralLine } from './neutral-line.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** A native request in nobody's terms. */
export interface Translation {
  readonly request: GenerateRequest | EmbedRequest
  /** What was left out. */
  readonly warnings: readonly string[]
  /** The path in the user's line of what has this path in a neutral one: as near to it as is known. */
  readonly pathOf: (neutralPath: string) => string
}

/** A neutral line in the making, which remembers where everything in it came from. */
export interface TranslationDraft {
  /** Where the native line has its request. */
  readonly root: string
  readonly line: JsonObject
  readonly messages: JsonObject[]
  readonly warnings: string[]
  /** Paths in the user's line, by neutral path. */
  readonly paths: Map<string, string>
}

/** `question` is the field that has the messages. */
export function createDraft(root: string, question: string): TranslationDraft {
  // The job's endpoint is no part of the line.
  const paths = new Map([['endpoint', 'endpoint']])
  for (const name of ['messages', 'prompt', 'input']) paths.set(name, `${root}.${question}`)
  return { root, line: {}, messages: [], warnings: [], paths }
}

export function warn({ warnings }: TranslationDraft, text: string): void {
  if (!warnings.includes(text)) warnings.push(text)
}

/** Elsewhere results are messages of their own, right after the calls: whatever else is in their turn comes after them. `path` is that of the turn. */
export function warnMovedResults(draft: TranslationDraft, path: string): void {
  warn(draft, `${path.slice(draft.root.length + 1)}: the results of calls were moved before what else is said there`)
}

/** Elsewhere calls come after all else that the model said in their turn. `path` is that of the turn. */
export function warnMovedCalls(draft: TranslationDraft, path: string): void {
  warn(draft, `${path.slice(draft.root.length + 1)}: the calls were moved after what else is said there`)
}

/** Takes fields that say nothing about the question, with a warning each. */
export function leaveOut(draft: TranslationDraft, fields: NativeFields, names: Iterable<string>): void {
  for (const name of names) {
    if (take(fields, name) !== undefined) warn(draft, `${name} left out: there is nothing like it`)
  }
}

/** Throws `unsupported_request` where the line has said it already in another field, with another value: which of the two holds is for its own provider to know. */
export function setField({ line, paths }: TranslationDraft, name: string, field: NativeField | undefined): void {
  if (field === undefined) return
  if (line[name] !== undefined && JSON.stringify(line[name]) !== JSON.stringify(field.value))
    throw unsupportedRequest(field.path, `does not go with ${paths.get(name)}, which says something else`)
  line[name] = field.value
  paths.set(name, field.path)
}

/** A part of a message with its path in the user's line, and the paths of its fields where they are elsewhere. */
export interface DraftPart {
  readonly part: JsonObject
  readonly path: string
  readonly fields?: Readonly<Record<string, string>>
}

export interface DraftCall {
  readonly call: JsonObject
  readonly path: string
  readonly fields?: Readonly<Record<string, string>>
}

/** One text is a content by itself. */
export function addMessage(
  { messages, paths }: TranslationDraft,
  role: string,
  parts: readonly DraftPart[],
  path: string,
  calls: readonly DraftCall[] = [],
): void {
  const own = `messages[${messages.length}]`
  paths.set(own, path)
  const [first] = parts
  const isText = parts.length === 1 && first?.part['type'] === 'text'
  const content: Json = isText ? (first.part['text'] as Json) : parts.map(({ part }) => part)
  if (isText) paths.set(`${own}.content`, first.path)
  for (const [at, part] of parts.entries()) setPaths(paths, `${own}.content[${at}]`, part)
  for (const [at, call] of calls.entries()) setPaths(paths, `${own}.tool_calls[${at}]`, call)
  // An answer that is only calls has no text.
  const message: JsonObject = { role, content: role === 'assistant' && parts.length === 0 ? '' : content }
  if (calls.length > 0) message['tool_calls'] = calls.map(({ call }) => call)
  messages.push(message)
}

function setPaths(paths: Map<string, string>, own: string, { path, fields = {} }: DraftPart | DraftCall): void {
  paths.set(own, path)
  for (const [name, fieldPath] of Object.entries(fields)) paths.set(`${own}.${name}`, fieldPath)
}

export function addResult({ messages, paths }: TranslationDraft, callId: string, content: string, path: string): void {
  paths.set(`messages[${messages.length}]`, path)
  messages.push({ role: 'tool', tool_call_id: callId, content })
}

/** Checked as a neutral line is. Throws `unsupported_request` with the path in the user's line. */
export function finishDraft({ root, line, messages, warnings, paths }: TranslationDraft): Translation {
  const pathOf = (neutralPath: string) => originOf(paths, neutralPath) ?? root
  const checked = parseNeutralLine({ ...line, messages })
  if ('problem' in checked) throw unsupportedRequest(pathOf(checked.problem.field ?? 'messages'), checked.problem.reason)
  return { request: checked.parsed.request as GenerateRequest, warnings, pathOf }
}

/** An embedding of one text. */
export function finishEmbedding(
  { root, warnings, paths }: TranslationDraft,
  input: NativeField,
  dimensions: NativeField | undefined,
): Translation {
  if (typeof input.value !== 'string' || input.value === '')
    throw unsupportedRequest(input.path, 'only one text can be translated')
  paths.set('input', input.path)
  const request: EmbedRequest = { kind: 'embed', input: input.value }
  if (dimensions !== undefined) {
    if (typeof dimensions.value !== 'number') throw unsupportedRequest(dimensions.path, 'expected a number')
    request.dimensions = dimensions.value
  }
  return { request, warnings, pathOf: (neutralPath) => originOf(paths, neutralPath) ?? root }
}

/** Of the path itself, or of what it is in. */
function originOf(paths: ReadonlyMap<string, string>, neutralPath: string): string | undefined {
  let path = neutralPath
  for (;;) {
    const origin = paths.get(path)
    const end = Math.max(path.lastIndexOf('.'), path.lastIndexOf('['))
    if (origin !== undefined || end <= 0) return origin
    path = path.slice(0, end)
  }
}
