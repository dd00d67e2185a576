import { isObject, type JsonObject } from '../json.ts'
import { invalidRequest, type ApiError } from './errors.ts'
import type { Endpoint } from './wire.ts'

/** Models of the first reasoning generations: they answer 400 to sampling parameters. Later ones take them again when reasoning is off. */
function refusesSampling(model: string): boolean {
  return /^o\d|^gpt-5(-mini|-nano)?(-\d{4}-\d{2}-\d{2})?$/.test(model)
}

/**
 * What OpenAI says to a body that it doesn't take; null if it does. Reasoning models: https://developers.openai.com/api/docs/guides/reasoning
 */
export function refusedParameter(endpoint: Endpoint, body: JsonObject, strict: boolean): ApiError | null {
  const model = body['model']
  if (typeof model !== 'string' || model === '') return invalidRequest('you must provide a model parameter')
  const missing = missingInput(endpoint, body)
  if (missing !== null) return invalidRequest(`Missing required parameter: '${missing}'.`, missing, 'missing_required_parameter')
  if (!strict || endpoint === '/v1/embeddings' || !refusesSampling(model)) return null
  if (endpoint === '/v1/chat/completions' && body['max_tokens'] !== undefined && body['max_tokens'] !== null) {
    const message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return invalidRequest(message, 'max_tokens', 'unsupported_parameter')
  }
  for (const name of ['temperature', 'top_p']) {
    const value = body[name]
    if (value === undefined || value === null || value === 1) continue
    return endpoint === '/v1/chat/completions'
      ? invalidRequest(
          `Unsupported value: '${name}' does not support ${JSON.stringify(value)} with this model. Only the default (1) value is supported.`,
          name,
          'unsupported_value',
        )
      : invalidRequest(`Unsupported parameter: '${name}' is not supported with this model.`, name, 'unsupported_parameter')
  }
  return null
}

/** The name of the field that should carry the prompt and doesn't. */
export function missingInput(endpoint: Endpoint, body: JsonObject): string | null {
  if (endpoint === '/v1/chat/completions')
    return Array.isArray(body['messages']) && body['messages'].every(isObject) ? null : 'messages'
  const input = body['input']
  return typeof input === 'string' || Array.isArray(input) || (endpoint === '/v1/responses' && isObject(body['prompt']))
    ? null
    : 'input'
}
