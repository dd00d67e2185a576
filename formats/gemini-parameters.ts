import type { Json, JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { GenerateRequest } from './canonical-request.ts'
import { toResponseSchema } from './gemini-schema.ts'
import { addThinking } from './gemini-thinking.ts'
import { schemaInstruction, withinModel } from './request-defaults.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** "The set of character sequences (up to 5)": https://ai.google.dev/api/generate-content#generationconfig */
const mostStopSequences = 5

/** Taken and ignored by newer models: https://ai.google.dev/gemini-api/docs/generate-content/whats-new-gemini-3.6 */
const ignoredSampling = ['temperature', 'topP', 'topK'] as const
/** Refused by newer models, as that page says. */
const refusedPenalties = ['presencePenalty', 'frequencyPenalty'] as const

/** Adds `generationConfig`: limits, sampling, thinking and the answer's format. https://ai.google.dev/api/generate-content#generationconfig */
export function addGenerationConfig(
  body: JsonObject,
  request: GenerateRequest,
  capabilities: ModelCapabilities,
  warnings: string[],
): void {
  const config: JsonObject = {}
  // Thinking counts against it. Without one a model gives what it can.
  if (request.max_tokens !== undefined)
    config['maxOutputTokens'] = withinModel(request.max_tokens, 'max_tokens', capabilities, warnings)
  addSampling(config, request, capabilities, warnings)
  if (request.stop !== undefined) {
    if (request.stop.length > mostStopSequences) throw unsupportedRequest('stop', `Gemini takes ${mostStopSequences} at most`)
    config['stopSequences'] = request.stop
  }
  if (request.reasoning_effort !== undefined) addThinking(config, request.reasoning_effort, capabilities, warnings)
  if (request.schema !== undefined) addSchema(body, config, request.schema, capabilities, warnings)
  if (Object.keys(config).length > 0) body['generationConfig'] = config
}

function addSampling(config: JsonObject, request: GenerateRequest, capabilities: ModelCapabilities, warnings: string[]): void {
  for (const [name, field] of [
    ['temperature', 'temperature'],
    ['top_p', 'topP'],
  ] as const) {
    const value = request[name]
    if (value === undefined) continue
    if (capabilities.reasoning) warnings.push(`${name} left out: the model ignores it`)
    else config[field] = value
  }
}

/** Structured output: https://ai.google.dev/gemini-api/docs/structured-output */
function addSchema(
  body: JsonObject,
  config: JsonObject,
  schema: JsonObject,
  capabilities: ModelCapabilities,
  warnings: string[],
): void {
  const obstacle = findSchemaObstacle(body, capabilities)
  if (obstacle !== null) {
    warnings.push(`schema given as an instruction: ${obstacle}`)
    body['systemInstruction'] = withInstruction(body['systemInstruction'], schemaInstruction(schema))
    return
  }
  config['responseMimeType'] = 'application/json'
  const responseSchema = toResponseSchema(schema)
  if (responseSchema !== null) config['responseSchema'] = responseSchema
  else config['responseJsonSchema'] = schema
}

/** "Function calling with a response mime type: 'application/json' is unsupported" before Gemini 3: https://ai.google.dev/gemini-api/docs/gemini-3#structured_outputs_with_tools */
function findSchemaObstacle(body: JsonObject, capabilities: ModelCapabilities): string | null {
  if (!capabilities.known) return null
  if (!capabilities.structuredOutput) return 'the model has no structured output'
  return body['tools'] !== undefined && capabilities.thinkingBudget !== undefined
    ? 'the model takes no schema beside tools'
    : null
}

function withInstruction(system: Json | undefined, text: string): JsonObject {
  const parts = asObject(system)['parts']
  return { parts: [...(Array.isArray(parts) ? parts : []), { text }] }
}

/** Leaves out, with a warning each, what a model does not take from a request that was written for another one. */
export function dropUnsupportedConfig(request: JsonObject, capabilities: ModelCapabilities, warnings: string[]): JsonObject {
  if (request['generationConfig'] === undefined) return request
  const config: JsonObject = { ...asObject(request['generationConfig']) }
  if (typeof config['maxOutputTokens'] === 'number') {
    config['maxOutputTokens'] = withinModel(config['maxOutputTokens'], 'maxOutputTokens', capabilities, warnings)
  }
  if (capabilities.known) {
    const drop = (name: string, why: string): void => {
      if (config[name] === undefined) return
      delete config[name]
      warnings.push(`generationConfig.${name} left out: ${why}`)
    }
    if (capabilities.reasoning) for (const name of ignoredSampling) drop(name, 'the model ignores it')
    if (capabilities.reasoning) for (const name of refusedPenalties) drop(name, 'the model does not take it')
    // Levels, budgets and what they may be differ from model to model; without it each has its own.
    drop('thinkingConfig', 'it was written for another model')
  }
  return { ...request, generationConfig: config }
}

export function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
