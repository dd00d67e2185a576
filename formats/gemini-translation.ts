import type { JsonObject } from '../core/json.ts'
import { givenCallIds } from './gemini-call-ids.ts'
import { createContentTranslation } from './gemini-content-translation.ts'
import { fromGeminiSchema } from './gemini-json-schema.ts'
import {
  type NativeField,
  type NativeFields,
  readCamelCaseObject,
  requireList,
  requireText,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeSilently,
  takeText,
} from './native-fields.ts'
import { effortOfBudget } from './thinking-budget.ts'
import {
  createDraft,
  finishDraft,
  leaveOut,
  setField,
  type Translation,
  type TranslationDraft,
  warn,
} from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** What says nothing about the question: left out, with a warning. */
const incidental = ['labels', 'safetySettings', 'serviceTier', 'store'] as const
const incidentalConfig = [
  'enableEnhancedCivicAnswers',
  'frequencyPenalty',
  'mediaResolution',
  'presencePenalty',
  'seed',
  'topK',
] as const

/**
 * A GenerateContentRequest as a request in nobody's terms. Throws `unsupported_request` that names the field for whatever would change the question if it were left
 * out. https://ai.google.dev/api/generate-content
 */
export function fromGeminiRequest(body: JsonObject): Translation {
  const draft = createDraft('request', 'contents')
  readCamelCaseObject({ value: body, path: 'request' }, (fields) => {
    takeSilently(fields, 'model')
    const given = takeRequired(fields, 'contents')
    const contents = createContentTranslation(draft, givenCallIds(given.value))
    const system = take(fields, 'systemInstruction')
    if (system !== undefined) contents.addSystem(system)
    for (const content of requireList(given)) contents.addContent(content)
    translateTools(take(fields, 'tools'), draft)
    translateToolConfig(take(fields, 'toolConfig'), draft)
    const config = take(fields, 'generationConfig')
    if (config !== undefined) readCamelCaseObject(config, (settings) => translateConfig(settings, draft))
    leaveOut(draft, fields, incidental)
  })
  return finishDraft(draft)
}

function translateTools(tools: NativeField | undefined, draft: TranslationDraft): void {
  if (tools === undefined) return
  // Whatever else a tool has runs at Google.
  const functions = requireList(tools).flatMap((field) =>
    readCamelCaseObject(field, (tool) => {
      const declarations = take(tool, 'functionDeclarations')
      return declarations === undefined ? [] : requireList(declarations).map(toFunction)
    }),
  )
  if (functions.length > 0) setField(draft, 'tools', { value: functions, path: tools.path })
}

/** https://ai.google.dev/api/caching#FunctionDeclaration */
function toFunction(field: NativeField): JsonObject {
  return readCamelCaseObject(field, (fields) => {
    const tool: JsonObject = { name: takeRequiredText(fields, 'name') }
    const description = takeText(fields, 'description')
    if (description !== undefined) tool['description'] = description
    const parameters = take(fields, 'parameters')
    // Google takes one of the two; the other one is refused with the rest.
    const jsonSchema = parameters === undefined ? take(fields, 'parametersJsonSchema') : undefined
    if (parameters !== undefined) tool['parameters'] = fromGeminiSchema(parameters, false)
    if (jsonSchema !== undefined) tool['parameters'] = jsonSchema.value
    takeOnly(fields, 'behavior', 'UNSPECIFIED', 'BLOCKING')
    return tool
  })
}

/** https://ai.google.dev/api/caching#ToolConfig */
function translateToolConfig(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  readCamelCaseObject(field, (fields) => {
    const calling = take(fields, 'functionCallingConfig')
    if (calling === undefined) return
    readCamelCaseObject(calling, (config) => {
      takeOnly(config, 'mode', 'AUTO', 'MODE_UNSPECIFIED')
      leaveOut(draft, config, ['streamFunctionCallArguments'])
    })
  })
}

/** https://ai.google.dev/api/generate-content#generationconfig */
function translateConfig(config: NativeFields, draft: TranslationDraft): void {
  setField(draft, 'max_tokens', take(config, 'maxOutputTokens'))
  setField(draft, 'temperature', take(config, 'temperature'))
  setField(draft, 'top_p', take(config, 'topP'))
  const stop = take(config, 'stopSequences')
  if (stop !== undefined && requireList(stop).length > 0) setField(draft, 'stop', stop)
  translateThinking(take(config, 'thinkingConfig'), draft)
  translateFormat(config, draft)
  takeOnly(config, 'candidateCount', 1)
  takeOnly(config, 'responseLogprobs', false)
  const modalities = take(config, 'responseModalities')
  if (modalities !== undefined && requireList(modalities).some(({ value }) => value !== 'TEXT'))
    throw unsupportedRequest(modalities.path, 'only "TEXT" can be translated')
  leaveOut(draft, config, incidentalConfig)
}

/** The answer's format, which is said in three ways, the newest last. https://ai.google.dev/gemini-api/docs/structured-output */
function translateFormat(config: NativeFields, draft: TranslationDraft): void {
  const mimeType = take(config, 'responseMimeType')
  const schema = take(config, 'responseSchema')
  if (schema !== undefined) setField(draft, 'schema', { ...schema, value: fromGeminiSchema(schema, true) })
  // Its first name in v1beta began with a line.
  for (const name of ['_responseJsonSchema', 'responseJsonSchema']) setField(draft, 'schema', take(config, name))
  const formats = take(config, 'responseFormat')
  if (formats !== undefined) translateResponseFormat(formats, draft)
  const hasSchema = draft.line['schema'] !== undefined
  if (mimeType === undefined || mimeType.value === 'text/plain') return
  if (mimeType.value === 'application/json' && hasSchema) return
  throw unsupportedRequest(mimeType.path, 'only "text/plain", and "application/json" with a schema, can be translated')
}

function translateResponseFormat(field: NativeField, draft: TranslationDraft): void {
  for (const each of Array.isArray(field.value) ? requireList(field) : [field]) {
    const text = readCamelCaseObject(each, (format) => take(format, 'text'))
    if (text === undefined) continue
    readCamelCaseObject(text, (fields) => {
      const mimeType = take(fields, 'mimeType')
      const schema = take(fields, 'schema')
      setField(draft, 'schema', schema)
      const expected = schema === undefined ? ['text/plain', 'TEXT_PLAIN'] : ['application/json', 'APPLICATION_JSON']
      if (mimeType !== undefined && !expected.includes(requireText(mimeType)))
        throw unsupportedRequest(mimeType.path, 'only a text, or JSON with a schema, can be translated')
    })
  }
}

/** A level, or a number of tokens, as an effort: https://ai.google.dev/gemini-api/docs/thinking */
function translateThinking(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  setField(
    draft,
    'reasoning_effort',
    readCamelCaseObject(field, (thinking) => effortOf(thinking, draft)),
  )
}

function effortOf(thinking: NativeFields, draft: TranslationDraft): NativeField | undefined {
  // They are no part of an answer here.
  leaveOut(draft, thinking, ['includeThoughts'])
  const level = take(thinking, 'thinkingLevel')
  const budget = take(thinking, 'thinkingBudget')
  if (level !== undefined && level.value !== 'THINKING_LEVEL_UNSPECIFIED') {
    // Google refuses both at once, too.
    if (budget !== undefined) throw unsupportedRequest(budget.path, `does not go with ${level.path}, which says it already`)
    return { value: requireText(level).toLowerCase(), path: level.path }
  }
  if (budget === undefined) return undefined
  if (typeof budget.value !== 'number') throw unsupportedRequest(budget.path, 'expected a number')
  // As much as the model likes.
  if (budget.value === -1) {
    warn(draft, 'thinkingBudget left out: models differ in how much they think by themselves')
    return undefined
  }
  const effort = effortOfBudget(budget.value)
  if (budget.value > 0) warn(draft, `thinkingBudget sent as the effort "${effort}"`)
  return { value: effort, path: budget.path }
}
