import type { Json, JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { Revision } from './rendering.ts'
import { withinModel } from './request-defaults.ts'
import { rejectedTurns, topLevelName } from './revision-turns.ts'

const maxTokensNames = ['max_completion_tokens', 'max_tokens', 'max_output_tokens'] as const

/** Changes a body because of the item's last attempt. The body that came in is not touched. */
export function reviseBody(
  body: JsonObject,
  endpoint: string,
  revision: Revision,
  capabilities: ModelCapabilities,
  warnings: string[],
): JsonObject {
  let revised: JsonObject = { ...body }
  if (revision.removedParameter !== null) revised = removeParameter(revised, revision.removedParameter, warnings)
  if (revision.doubleMaxTokens) doubleMaxTokens(revised, capabilities, warnings)
  if (revision.rejectedAnswer !== null) showRejectedAnswer(revised, endpoint, revision.rejectedAnswer)
  return revised
}

function removeParameter(body: JsonObject, parameter: string, warnings: string[]): JsonObject {
  const name = topLevelName(parameter)
  if (!(name in body)) return body
  const { [name]: removed, ...rest } = body
  if (name === 'max_tokens' && rest['max_completion_tokens'] === undefined) {
    // "Unsupported parameter: 'max_tokens' ... Use 'max_completion_tokens' instead": leaving the limit out could cost a lot more.
    warnings.push('max_tokens sent as max_completion_tokens: the provider refused it')
    return { ...rest, max_completion_tokens: removed as Json }
  }
  warnings.push(`${name} left out: the provider refused it`)
  return rest
}

function doubleMaxTokens(body: JsonObject, capabilities: ModelCapabilities, warnings: string[]): void {
  for (const name of maxTokensNames) {
    const value = body[name]
    if (typeof value === 'number') body[name] = withinModel(value * 2, name, capabilities, warnings)
  }
}

function showRejectedAnswer(body: JsonObject, endpoint: string, rejected: { text: string; reason: string }): void {
  const turns = rejectedTurns(rejected)
  if (endpoint === '/v1/chat/completions' && Array.isArray(body['messages'])) body['messages'] = [...body['messages'], ...turns]
  if (endpoint === '/v1/responses') body['input'] = [...toItems(body['input']), ...turns]
}

/** `input` of the Responses API is a list of items, or a text for one message of the user. */
function toItems(input: Json | undefined): Json[] {
  if (Array.isArray(input)) return input
  return typeof input === 'string' ? [{ role: 'user', content: input }] : []
}
