import { isObject, type JsonObject } from '../json.ts'
import { invalidRequest, type AnthropicError } from './errors.ts'
import { alwaysThinks, mostAnswerTokens, takesPrefill, takesThinkingBudget } from './models.ts'
import { schemaProblem } from './schema-limits.ts'
import type { ApiVersion } from './wire.ts'

export interface ParameterRules {
  readonly version: ApiVersion
  readonly batch: boolean
  /** Also what a model doesn't take; else only what no request can do without. */
  readonly strict: boolean
}

/**
 * What the API says to a body that it doesn't take; null if it does. In a batch it says so only when all is over, for each request on its own
 * (https://platform.claude.com/docs/en/build-with-claude/batch-processing). Texts as observed by many who met them; the API warns that they may change.
 */
export function refusedParameter(params: JsonObject, rules: ParameterRules): AnthropicError | null {
  const problem =
    missing(params) ?? (rules.batch ? notInBatches(params) : null) ?? (rules.strict ? notTaken(params, rules) : null)
  return problem === null ? null : invalidRequest(problem)
}

/** What no request can do without: for counting tokens, too, but for `max_tokens`. */
export function missing(params: JsonObject, counting = false): string | null {
  if (typeof params['model'] !== 'string' || params['model'] === '') return 'model: Field required'
  const messages = params['messages']
  if (messages === undefined) return 'messages: Field required'
  if (!Array.isArray(messages) || !messages.every(isObject)) return 'messages: Input should be a valid list'
  if (messages.length === 0) return 'messages: at least one message is required'
  if (counting) return null
  if (params['max_tokens'] === undefined) return 'max_tokens: Field required'
  return Number.isInteger(params['max_tokens']) ? null : 'max_tokens: Input should be a valid integer'
}

/** https://platform.claude.com/docs/en/build-with-claude/batch-processing: `stream`, `speed`, and `max_tokens: 0`. */
function notInBatches(params: JsonObject): string | null {
  if (params['stream'] === true) return '"stream=True" is not supported in the Message Batches API'
  if (params['speed'] !== undefined && params['speed'] !== null) return '"speed" is not supported in the Message Batches API'
  return Number(params['max_tokens']) < 1 ? 'max_tokens: must be greater than or equal to 1' : null
}

function notTaken(params: JsonObject, { version }: ParameterRules): string | null {
  const model = String(params['model'])
  if (version === '2026-10-21') {
    // Even at their default values: https://platform.claude.com/docs/en/api/migration-2026-10-21
    for (const name of ['temperature', 'top_p', 'top_k'])
      if (params[name] !== undefined) return `${name}: Extra inputs are not permitted`
  }
  const most = mostAnswerTokens(model)
  if (most !== null && Number(params['max_tokens']) > most)
    return `max_tokens: ${String(params['max_tokens'])} > ${most}, which is the maximum allowed number of output tokens for ${model}`
  return thinkingProblem(params, model) ?? prefillProblem(params, model) ?? schemaProblems(params)
}

function thinkingProblem(params: JsonObject, model: string): string | null {
  const thinking = isObject(params['thinking']) ? params['thinking'] : {}
  const choice = isObject(params['tool_choice']) ? params['tool_choice']['type'] : null
  const type = thinking['type']
  if ((type === 'disabled' && alwaysThinks(model)) || (type === 'enabled' && !takesThinkingBudget(model)))
    return `"thinking.type.${type}" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.`
  if ((choice === 'tool' || choice === 'any') && alwaysThinks(model))
    return 'tool_choice: type "tool" and "any" are not supported for this model.'
  if (type !== 'enabled') return null
  const budget = Number(thinking['budget_tokens'])
  if (!(budget >= 1024)) return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024'
  return budget < Number(params['max_tokens']) ? null : '`max_tokens` must be greater than `thinking.budget_tokens`.'
}

function prefillProblem(params: JsonObject, model: string): string | null {
  const last: unknown = Array.isArray(params['messages']) ? params['messages'].at(-1) : null
  return isObject(last) && last['role'] === 'assistant' && !takesPrefill(model)
    ? 'This model does not support assistant message prefill. The conversation must end with a user message.'
    : null
}

function schemaProblems(params: JsonObject): string | null {
  const format = isObject(params['output_config']) ? params['output_config']['format'] : null
  const problem = isObject(format) ? schemaProblem(format['schema']) : null
  if (problem !== null) return `output_config.format.schema: ${problem}`
  const tools = Array.isArray(params['tools']) ? (params['tools'] as unknown[]) : []
  for (const [index, tool] of tools.entries()) {
    if (!isObject(tool) || tool['strict'] !== true) continue
    const found = schemaProblem(tool['input_schema'])
    if (found !== null) return `tools.${index}.custom.input_schema: ${found}`
  }
  return null
}
