import type { JsonObject } from '../core/json.ts'
import { didYouMean } from '../core/nearest-name.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { GenerateRequest } from './canonical-request.ts'
import { findStrictViolation } from './openai-strict-schema.ts'
import { nearestEffort, nearestEffortWarning, reasoningEfforts } from './reasoning-effort.ts'
import { schemaInstruction, withinModel } from './request-defaults.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Sampling parameters that reasoning models refuse: https://developers.openai.com/api/docs/guides/latest-model#parameter-compatibility */
const refusedByReasoningModels = [
  'temperature',
  'top_p',
  'stop',
  'presence_penalty',
  'frequency_penalty',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'tool_choice',
] as const

const mostStops = 4

/** Adds limits, sampling, effort and the answer's format to a body, in the endpoint's own terms. */
export function addParameters(
  body: JsonObject,
  endpoint: '/v1/chat/completions' | '/v1/responses',
  request: GenerateRequest,
  capabilities: ModelCapabilities,
  warnings: string[],
): void {
  const atResponses = endpoint === '/v1/responses'
  if (request.max_tokens !== undefined) {
    body[maxTokensName(endpoint, capabilities)] = withinModel(request.max_tokens, 'max_tokens', capabilities, warnings)
  }
  for (const name of ['temperature', 'top_p', 'stop'] as const) {
    const value = request[name]
    if (value === undefined) continue
    if (capabilities.reasoning) warnings.push(`${name} left out: reasoning models do not take it`)
    else if (name === 'stop' && atResponses) warnings.push('stop left out: /v1/responses does not take it')
    // https://developers.openai.com/api/reference/resources/chat: as an error it would come back with the results.
    else if (name === 'stop' && Array.isArray(value) && value.length > mostStops)
      throw unsupportedRequest('stop', `OpenAI takes at most ${mostStops} sequences, not ${value.length}`)
    else body[name] = value
  }
  if (request.reasoning_effort !== undefined) addEffort(body, atResponses, request.reasoning_effort, capabilities, warnings)
  if (request.schema !== undefined) addSchema(body, atResponses, request.schema, capabilities, warnings)
}

/** Which of the levels a model takes differs: what it would refuse becomes the nearest that it has. https://developers.openai.com/api/docs/guides/reasoning */
function addEffort(
  body: JsonObject,
  atResponses: boolean,
  asked: string,
  capabilities: ModelCapabilities,
  warnings: string[],
): void {
  const effort = reasoningEfforts.find((each) => each === asked)
  if (effort === undefined)
    throw unsupportedRequest(
      'reasoning_effort',
      `"${asked}" is none that OpenAI has${didYouMean(asked, reasoningEfforts)}: ${reasoningEfforts.join(', ')}`,
    )
  if ((capabilities.known && !capabilities.reasoning) || capabilities.efforts?.length === 0) {
    warnings.push(`reasoning_effort left out: ${capabilities.reasoning ? 'the model has none' : 'not a reasoning model'}`)
    return
  }
  const chosen = capabilities.efforts === undefined ? effort : nearestEffort(effort, capabilities.efforts)
  if (chosen !== effort) warnings.push(nearestEffortWarning(chosen, effort))
  if (atResponses) body['reasoning'] = { effort: chosen }
  else body['reasoning_effort'] = chosen
}

/** Leaves out, with a warning each, what a model does not take from a body that was written for another one. */
export function dropUnsupported(
  body: JsonObject,
  endpoint: string,
  capabilities: ModelCapabilities,
  warnings: string[],
): JsonObject {
  if (endpoint === '/v1/embeddings') return body
  const cleaned: JsonObject = { ...body }
  if (capabilities.reasoning) {
    for (const name of refusedByReasoningModels) {
      if (cleaned[name] === undefined) continue
      delete cleaned[name]
      warnings.push(`${name} left out: reasoning models do not take it`)
    }
    if (endpoint === '/v1/chat/completions' && cleaned['max_tokens'] !== undefined) {
      cleaned['max_completion_tokens'] ??= cleaned['max_tokens']
      delete cleaned['max_tokens']
      warnings.push('max_tokens sent as max_completion_tokens')
    }
  } else if (capabilities.known) {
    for (const name of ['reasoning_effort', 'reasoning'] as const) {
      if (cleaned[name] === undefined) continue
      delete cleaned[name]
      warnings.push(`${name} left out: not a reasoning model`)
    }
  }
  return cleaned
}

/**
 * `max_tokens` of chat completions is deprecated and refused by reasoning models, its successor is taken by all of OpenAI's; endpoints that
 * only speak its protocol may know just the old name, so it is used where a model is known to take it.
 */
export function maxTokensName(endpoint: string, capabilities: ModelCapabilities): string {
  if (endpoint === '/v1/responses') return 'max_output_tokens'
  return capabilities.known && !capabilities.reasoning ? 'max_tokens' : 'max_completion_tokens'
}

function addSchema(
  body: JsonObject,
  atResponses: boolean,
  schema: JsonObject,
  capabilities: ModelCapabilities,
  warnings: string[],
): void {
  if (capabilities.known && !capabilities.structuredOutput) {
    warnings.push('schema given as an instruction: the model has no structured output')
    const instruction: JsonObject = { role: 'system', content: schemaInstruction(schema) }
    const key = atResponses ? 'input' : 'messages'
    body[key] = [instruction, ...(body[key] as JsonObject[])]
    if (atResponses) body['text'] = { format: { type: 'json_object' } }
    else body['response_format'] = { type: 'json_object' }
    return
  }
  const violation = findStrictViolation(schema)
  if (violation !== null) warnings.push(`schema sent with strict: false: ${violation}`)
  const named: JsonObject = { name: 'answer', schema, strict: violation === null }
  if (atResponses) body['text'] = { format: { type: 'json_schema', ...named } }
  else body['response_format'] = { type: 'json_schema', json_schema: named }
}
