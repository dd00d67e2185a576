import type { JsonObject } from '../core/json.ts'
import { createContentTranslation } from './gemini-content-translation.ts'
import { fromGeminiSchema } from './gemini-json-schema.ts'
import {
  camelCaseFieldsOf,
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
  const fields = camelCaseFieldsOf(body, 'request')
  take(fields, 'model')
  const contents = createContentTranslation(draft)
  const system = take(fields, 'systemInstruction')
  if (system !== undefined) contents.addSystem(system)
  for (const content of requireList(takeRequired(fields, 'contents'))) contents.addContent(content)
  translateTools(take(fields, 'tools'), draft)
  translateToolConfig(take(fields, 'toolConfig'), draft)
  const config = take(fields, 'generationConfig')
  if (config !== undefined) translateConfig(camelCaseFieldsOf(config.value, config.path), draft)
  leaveOut(draft, fields, incidental)
  refuseRest(fields)
  return finishDraft(draft)
}

function translateTools(tools: NativeField | undefined, draft: TranslationDraft): void {
  if (tools === undefined) return
  const functions: JsonObject[] = []
  for (const { value, path } of requireList(tools)) {
    const tool = camelCaseFieldsOf(value, path)
    const declarations = take(tool, 'functionDeclarations')
    // Everything else runs at Google.
    refuseRest(tool)
    if (declarations !== undefined) functions.push(...requireList(declarations).map(toFunction))
  }
  if (functions.length > 0) setField(draft, 'tools', { value: functions, path: tools.path })
}

/** https://ai.google.dev/api/caching#FunctionDeclaration */
function toFunction({ value, path }: NativeField): JsonObject {
  const fields = camelCaseFieldsOf(value, path)
  const tool: JsonObject = { name: takeRequiredText(fields, 'name') }
  const description = takeText(fields, 'description')
  if (description !== undefined) tool['description'] = description
  const parameters = take(fields, 'parameters')
  if (parameters !== undefined) tool['parameters'] = fromGeminiSchema(parameters, false)
  const jsonSchema = take(fields, 'parametersJsonSchema')
  if (jsonSchema !== undefined) tool['parameters'] = jsonSchema.value
  takeOnly(fields, 'behavior', 'UNSPECIFIED', 'BLOCKING')
  refuseRest(fields)
  return tool
}

/** https://ai.google.dev/api/caching#ToolConfig */
function translateToolConfig(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  const fields = camelCaseFieldsOf(field.value, field.path)
  const calling = take(fields, 'functionCallingConfig')
  if (calling !== undefined) {
    const config = camelCaseFieldsOf(calling.value, calling.path)
    takeOnly(config, 'mode', 'AUTO', 'MODE_UNSPECIFIED')
    leaveOut(draft, config, ['streamFunctionCallArguments'])
    refuseRest(config)
  }
  refuseRest(fields)
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
  refuseRest(config)
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
  for (const { value, path } of Array.isArray(field.value) ? requireList(field) : [field]) {
    const format = camelCaseFieldsOf(value, path)
    const text = take(format, 'text')
    refuseRest(format)
    if (text === undefined) continue
    const fields = camelCaseFieldsOf(text.value, text.path)
    const mimeType = take(fields, 'mimeType')
    const schema = take(fields, 'schema')
    refuseRest(fields)
    if (schema !== undefined) setField(draft, 'schema', schema)
    else if (mimeType !== undefined && mimeType.value !== 'text/plain' && mimeType.value !== 'TEXT_PLAIN')
      throw unsupportedRequest(mimeType.path, 'only a text, or JSON with a schema, can be translated')
  }
}

/** A level, or a number of tokens, as an effort: https://ai.google.dev/gemini-api/docs/thinking */
function translateThinking(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  const thinking = camelCaseFieldsOf(field.value, field.path)
  // They are no part of an answer here.
  leaveOut(draft, thinking, ['includeThoughts'])
  const level = take(thinking, 'thinkingLevel')
  const budget = take(thinking, 'thinkingBudget')
  refuseRest(thinking)
  if (level !== undefined && level.value !== 'THINKING_LEVEL_UNSPECIFIED') {
    setField(draft, 'reasoning_effort', { value: requireText(level).toLowerCase(), path: level.path })
    return
  }
  // -1: as much as the model likes.
  if (budget === undefined || budget.value === -1) return
  if (typeof budget.value !== 'number') throw unsupportedRequest(budget.path, 'expected a number')
  const effort = effortOfBudget(budget.value)
  if (budget.value > 0) warn(draft, `thinkingBudget sent as the effort "${effort}"`)
  setField(draft, 'reasoning_effort', { value: effort, path: budget.path })
}
