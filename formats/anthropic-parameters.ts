import type { Json, JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import { findUnsupportedSchema } from './anthropic-schema.ts'
import type { GenerateRequest } from './canonical-request.ts'
import { nearestEffort, nearestEffortWarning } from './reasoning-effort.ts'
import { schemaInstruction, withinModel } from './request-defaults.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * `max_tokens` is required by Anthropic. Where neither line nor job says it, it is half of what the model can answer with: a low guess would cut answers off,
 * above all those of models that always think, which counts as output, and with the whole of it there would be nothing to double for an answer that was cut
 * off. Of a model that we don't know, this is the least that any Claude could ever answer with (Claude 3):
 * https://platform.claude.com/docs/en/about-claude/models/overview
 */
function defaultMaxTokens({ maxOutputTokens }: ModelCapabilities): number {
  return maxOutputTokens === null ? 4_096 : Math.ceil(maxOutputTokens / 2)
}

/** Claude 4.7 and later refuse them: https://platform.claude.com/docs/en/models/sonnet-5/migration-guide */
const samplingParameters = ['temperature', 'top_p', 'top_k'] as const

/** `output_config.effort`, lowest first: https://platform.claude.com/docs/en/build-with-claude/effort */
const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const

/** Adds limits, sampling, effort and the answer's format to the params. */
export function addMessagesParameters(
  body: JsonObject,
  request: GenerateRequest,
  capabilities: ModelCapabilities,
  warnings: string[],
): void {
  body['max_tokens'] =
    request.max_tokens === undefined
      ? defaultMaxTokens(capabilities)
      : withinModel(request.max_tokens, 'max_tokens', capabilities, warnings)
  if (request.stop !== undefined) body['stop_sequences'] = request.stop
  if (request.reasoning_effort !== undefined) addEffort(body, request.reasoning_effort, capabilities, warnings)
  addSampling(body, request, capabilities, warnings)
  if (request.schema !== undefined) addSchema(body, request.schema, capabilities, warnings)
}

function addSampling(body: JsonObject, request: GenerateRequest, capabilities: ModelCapabilities, warnings: string[]): void {
  const { temperature, top_p: topP } = request
  if (capabilities.reasoning) {
    if (temperature !== undefined) warnings.push('temperature left out: the model does not take it')
    if (topP !== undefined) warnings.push('top_p left out: the model does not take it')
    return
  }
  if (temperature !== undefined) {
    // https://platform.claude.com/docs/en/build-with-claude/extended-thinking: thinking goes with no other temperature than its own.
    if (body['thinking'] !== undefined) warnings.push('temperature left out: it does not go with thinking')
    else if (temperature <= 1) body['temperature'] = temperature
    else {
      body['temperature'] = 1
      warnings.push(`temperature lowered from ${temperature} to 1, the most that Anthropic takes`)
    }
  }
  if (topP === undefined) return
  // Claude 4.5 and later refuse both at once: https://platform.claude.com/docs/en/models/haiku-4-5/migration-guide
  if (capabilities.known && temperature !== undefined) warnings.push('top_p left out: Claude does not take it beside temperature')
  else if (body['thinking'] !== undefined) warnings.push('top_p left out: it does not go with thinking')
  else body['top_p'] = topP
}

function addEffort(body: JsonObject, asked: string, capabilities: ModelCapabilities, warnings: string[]): void {
  // OpenAI's words for as little as possible.
  const level = efforts.find((each) => each === (asked === 'none' || asked === 'minimal' ? 'low' : asked))
  if (level === undefined) {
    throw unsupportedRequest('reasoning_effort', `"${asked}" is none that Claude has: ${efforts.join(', ')}`)
  }
  const taken = capabilities.efforts ?? efforts
  if (taken.length === 0) {
    warnings.push(
      'reasoning_effort left out: the model has no effort; a neutral line can give provider_options.anthropic.thinking',
    )
    return
  }
  const chosen = nearestEffort(level, taken)
  if (chosen !== asked) warnings.push(nearestEffortWarning(chosen, asked))
  body['output_config'] = { ...asObject(body['output_config']), effort: chosen }
  // https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking: to be asked for, except where it is the default.
  if (capabilities.thinksOnRequest === true && asked !== 'none') body['thinking'] = { type: 'adaptive' }
}

/**
 * Structured output: https://platform.claude.com/docs/en/build-with-claude/structured-outputs. It has no lenient mode, and a forced tool in its place is
 * refused by the newer models (https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide): a schema that it can't hold goes into the system
 * prompt, for changing it would change what the user asked for.
 */
function addSchema(body: JsonObject, schema: JsonObject, capabilities: ModelCapabilities, warnings: string[]): void {
  const obstacle =
    capabilities.known && !capabilities.structuredOutput ? 'the model has no structured output' : findUnsupportedSchema(schema)
  if (obstacle === null) {
    body['output_config'] = { ...asObject(body['output_config']), format: { type: 'json_schema', schema } }
    return
  }
  warnings.push(`schema given as an instruction: ${obstacle}`)
  body['system'] = withInstruction(body['system'], schemaInstruction(schema))
}

function withInstruction(system: Json | undefined, text: string): Json {
  const instruction = { type: 'text', text }
  if (system === undefined) return text
  return Array.isArray(system) ? [...system, instruction] : [{ type: 'text', text: system }, instruction]
}

/** Leaves out, with a warning each, what a model does not take from params that were written for another one. */
export function dropUnsupportedParams(params: JsonObject, capabilities: ModelCapabilities, warnings: string[]): JsonObject {
  const cleaned: JsonObject = { ...params }
  if (typeof cleaned['max_tokens'] === 'number') {
    cleaned['max_tokens'] = withinModel(cleaned['max_tokens'], 'max_tokens', capabilities, warnings)
  }
  if (!capabilities.known) return cleaned
  if (capabilities.reasoning) {
    for (const name of samplingParameters) {
      if (cleaned[name] === undefined) continue
      delete cleaned[name]
      warnings.push(`${name} left out: the model does not take it`)
    }
  }
  // Which modes of thinking there are differs from model to model; without it each has its own.
  if (cleaned['thinking'] !== undefined) {
    delete cleaned['thinking']
    warnings.push('thinking left out: it was written for another model')
  }
  const { effort, ...rest } = asObject(cleaned['output_config'])
  if (typeof effort === 'string' && capabilities.efforts !== undefined && !capabilities.efforts.includes(effort)) {
    cleaned['output_config'] = rest
    warnings.push(`output_config.effort left out: the model has no "${effort}"`)
  }
  return cleaned
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
