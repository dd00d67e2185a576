import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import { asObject } from './gemini-parameters.ts'
import type { Revision } from './rendering.ts'
import { withinModel } from './request-defaults.ts'
import { rejectedTurns, topLevelName } from './revision-turns.ts'

/** Changes a GenerateContentRequest because of the item's last attempt. The one that came in is not touched. */
export function reviseRequest(
  request: JsonObject,
  revision: Revision,
  capabilities: ModelCapabilities,
  warnings: string[],
): JsonObject {
  let revised: JsonObject = { ...request }
  if (revision.removedParameter !== null) revised = removeParameter(revised, topLevelName(revision.removedParameter), warnings)
  if (revision.doubleMaxTokens) revised = withMoreTokens(revised, capabilities, warnings)
  if (revision.rejectedAnswer !== null && Array.isArray(revised['contents'])) {
    revised['contents'] = [...revised['contents'], ...toTurns(revision.rejectedAnswer)]
  }
  return revised
}

/** Nearly all parameters are inside of `generationConfig`, and errors name them without it. */
function removeParameter(request: JsonObject, name: string, warnings: string[]): JsonObject {
  const config = asObject(request['generationConfig'])
  if (name in config) {
    const { [name]: _removed, ...rest } = config
    warnings.push(`${name} left out: the provider refused it`)
    return { ...request, generationConfig: rest }
  }
  if (!(name in request)) return request
  const { [name]: _removed, ...rest } = request
  warnings.push(`${name} left out: the provider refused it`)
  return rest
}

/** Twice the limit; where none was given, all that the model can. */
function withMoreTokens(request: JsonObject, capabilities: ModelCapabilities, warnings: string[]): JsonObject {
  const config = asObject(request['generationConfig'])
  const given = config['maxOutputTokens']
  const more =
    typeof given === 'number' ? withinModel(given * 2, 'maxOutputTokens', capabilities, warnings) : capabilities.maxOutputTokens
  return more === null ? request : { ...request, generationConfig: { ...config, maxOutputTokens: more } }
}

/** An empty part is refused: an empty answer is only told about. */
function toTurns(rejected: { text: string; reason: string }): JsonObject[] {
  const turns = rejectedTurns(rejected).map(({ role, content }) => ({
    role: role === 'assistant' ? 'model' : 'user',
    parts: [{ text: content }],
  }))
  return rejected.text.trim() === '' ? turns.slice(1) : turns
}
