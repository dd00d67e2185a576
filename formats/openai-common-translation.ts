import type { JsonObject } from '../core/json.ts'
import {
  type NativeField,
  type NativeFields,
  requireObject,
  requireText,
  take,
  takeRequired,
  takeSilently,
  takeText,
} from './native-fields.ts'
import { type DraftPart, setField, type TranslationDraft } from './translation-draft.ts'

// What both of OpenAI's endpoints say in the same words.

/** Parameters that say nothing about the question: left out, with a warning. */
export const incidentalOfBody = [
  'metadata',
  'moderation',
  'parallel_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'store',
  'stream_options',
  'user',
] as const

/** What may be left out of any part of a message. https://developers.openai.com/api/docs/guides/prompt-caching */
export const incidentalOfPart = ['prompt_cache_breakpoint'] as const

/** `name`, `description` and `parameters` of a function. */
export function toFunction(fields: NativeFields): JsonObject {
  // Calls are checked by whoever runs the function.
  takeSilently(fields, 'strict')
  const tool: JsonObject = {}
  for (const name of ['name', 'description', 'parameters']) {
    const field = take(fields, name)
    if (field !== undefined) tool[name] = field.value
  }
  return tool
}

/** `schema` of an answer. Its `description` tells the model how to answer, as that of the schema itself does elsewhere. */
export function takeSchema(fields: NativeFields, draft: TranslationDraft): void {
  // Every answer is checked against the schema in any case.
  takeSilently(fields, 'name', 'strict')
  const description = takeText(fields, 'description')
  const { value, path } = takeRequired(fields, 'schema')
  const schema = requireObject(value, path)
  setField(draft, 'schema', { value: description === undefined ? schema : describe(schema, description, path), path })
}

function describe(schema: JsonObject, description: string, path: string): JsonObject {
  const own = schema['description']
  if (own === undefined || own === description) return { ...schema, description }
  return { ...schema, description: `${description}\n\n${requireText({ value: own, path: `${path}.description` })}` }
}

/** The model's words for not answering are an answer like any other to who reads on. */
export function toRefusal(refusal: NativeField): DraftPart {
  return { part: { type: 'text', text: requireText(refusal) }, path: refusal.path }
}

/** A part whose source is an address, or a data URL. */
export function toSourcePart(part: JsonObject, source: NativeField, path: string): DraftPart {
  return { part: { ...part, url: requireText(source) }, path, fields: { url: source.path } }
}

/** `namePath` is where the file's name would be. */
export function toFilePart(name: string | undefined, source: NativeField, path: string, namePath: string): DraftPart {
  const named: JsonObject = name === undefined ? { type: 'file' } : { type: 'file', name }
  const { part, fields } = toSourcePart(named, source, path)
  return { part, path, fields: { ...fields, name: namePath } }
}
