import type { GenerationConfig } from '@google/genai'
import { isObject, type JsonObject } from '../json.ts'
import { GeminiError, invalidArgument } from './errors.ts'
import { camelName, fieldOf, listOf, messageOf, textOf } from './field.ts'
import { mostOutputTokens, thinks } from './models.ts'

/** https://ai.google.dev/api/generate-content#request-body */
const requestFields = [
  'model',
  'contents',
  'tools',
  'toolConfig',
  'safetySettings',
  'systemInstruction',
  'generationConfig',
  'cachedContent',
  'store',
  'serviceTier',
]
/** https://ai.google.dev/api/generate-content#v1beta.GenerationConfig */
const configFields: readonly (keyof GenerationConfig | '_responseJsonSchema' | 'imageConfig')[] = [
  'stopSequences',
  'responseMimeType',
  'responseSchema',
  '_responseJsonSchema',
  'responseJsonSchema',
  'responseFormat',
  'responseModalities',
  'candidateCount',
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'responseLogprobs',
  'logprobs',
  'enableEnhancedCivicAnswers',
  'speechConfig',
  'thinkingConfig',
  'imageConfig',
  'mediaResolution',
  'modelSelectionConfig',
  'translationConfig',
  'audioTranscriptionConfig',
]
const embeddingFields = ['model', 'content', 'taskType', 'title', 'outputDimensionality']

/** What the API says to a body of generateContent that it doesn't take; null if it does. */
export function refusedParameter(model: string, request: JsonObject, strict: boolean): GeminiError | null {
  const problem = missingContents(request) ?? (strict ? notTaken(model, request) : null)
  if (problem !== null) return invalidArgument(problem)
  // Nothing here makes a cached content, so that none can be found.
  return fieldOf(request, 'cachedContent') === undefined
    ? null
    : new GeminiError(403, 'PERMISSION_DENIED', 'CachedContent not found (or permission denied)')
}

/** The same of embedContent. */
export function refusedEmbedding(request: JsonObject, strict: boolean): GeminiError | null {
  if (listOf(messageOf(request, 'content'), 'parts').length === 0)
    return invalidArgument('* EmbedContentRequest.content: contents is not specified\n')
  const unknown = strict ? unknownField(request, embeddingFields, '') : null
  return unknown === null ? null : invalidArgument(unknown)
}

function missingContents(request: JsonObject): string | null {
  const contents = listOf(request, 'contents')
  if (contents.length === 0) return '* GenerateContentRequest.contents: contents is not specified\n'
  for (const [index, content] of contents.entries()) {
    if (!isObject(content)) return `Invalid value at 'contents[${index}]' (Map), ${JSON.stringify(content)}`
    const role = content['role']
    if (role !== undefined && role !== 'user' && role !== 'model' && role !== 'function')
      return 'Please use a valid role: user, model.'
    if (listOf(content, 'parts').length === 0)
      return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.\n`
  }
  return null
}

function notTaken(model: string, request: JsonObject): string | null {
  const config = messageOf(request, 'generationConfig')
  const unknown = unknownField(request, requestFields, '') ?? unknownField(config, configFields, 'generation_config')
  if (unknown !== null) return unknown
  const most = fieldOf(config, 'maxOutputTokens')
  if (most !== undefined && !(Number(most) >= 1 && Number(most) <= mostOutputTokens))
    return `Unable to submit request because it has a maxOutputTokens value of ${JSON.stringify(most)} but the supported range is from 1 (inclusive) to ${mostOutputTokens + 1} (exclusive). Update the value and try again.`
  const temperature = fieldOf(config, 'temperature')
  if (temperature !== undefined && !(Number(temperature) >= 0 && Number(temperature) <= 2))
    return `* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n`
  return schemaProblem(config) ?? thinkingProblem(model, config)
}

function schemaProblem(config: JsonObject): string | null {
  const schema = fieldOf(config, 'responseSchema')
  const json = fieldOf(config, 'responseJsonSchema') ?? fieldOf(config, '_responseJsonSchema')
  if (schema !== undefined && json !== undefined)
    return 'Only one of response_schema and response_json_schema may be set in generation_config.'
  if ((schema !== undefined || json !== undefined) && textOf(config, 'responseMimeType') === null)
    return "* GenerateContentRequest.generation_config.response_schema: only allowed if response_mime_type is 'application/json'.\n"
  return null
}

function thinkingProblem(model: string, config: JsonObject): string | null {
  const thinking = messageOf(config, 'thinkingConfig')
  const budget = fieldOf(thinking, 'thinkingBudget')
  const level = fieldOf(thinking, 'thinkingLevel')
  if (budget !== undefined && level !== undefined) return 'You can only set one of thinking budget and thinking level.'
  if ((budget !== undefined && budget !== 0) || level !== undefined) {
    if (!thinks(model)) return 'Thinking is not supported for this model.'
  }
  if (level !== undefined && model.startsWith('gemini-2.5')) return 'Thinking level is not supported for this model.'
  if (budget === 0 && model === 'gemini-2.5-pro') return 'Budget 0 is invalid. This model only works in thinking mode.'
  return null
}

/** How JSON of protocol buffers is refused: https://ai.google.dev/gemini-api/docs/troubleshooting */
export function unknownField(message: JsonObject, known: readonly string[], place: string): string | null {
  const unknown = Object.keys(message).find((name) => !known.includes(name) && !known.includes(camelName(name)))
  if (unknown === undefined) return null
  const at = place === '' ? '' : ` at '${place}'`
  return `Invalid JSON payload received. Unknown name "${unknown}"${at}: Cannot find field.`
}
