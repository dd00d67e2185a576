import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { Revision } from './rendering.ts'
import { withinModel } from './request-defaults.ts'
import { rejectedTurns, topLevelName } from './revision-turns.ts'

/** Changes params because of the item's last attempt. Those that came in are not touched. */
export function reviseParams(
  params: JsonObject,
  revision: Revision,
  capabilities: ModelCapabilities,
  warnings: string[],
): JsonObject {
  const revised: JsonObject = { ...params }
  if (revision.removedParameter !== null) {
    const name = topLevelName(revision.removedParameter)
    if (name in revised) warnings.push(`${name} left out: the provider refused it`)
    delete revised[name]
  }
  if (revision.doubleMaxTokens && typeof revised['max_tokens'] === 'number') {
    revised['max_tokens'] = withinModel(revised['max_tokens'] * 2, 'max_tokens', capabilities, warnings)
  }
  if (revision.rejectedAnswer !== null && Array.isArray(revised['messages'])) {
    revised['messages'] = [...revised['messages'], ...toTurns(revision.rejectedAnswer)]
  }
  return revised
}

/** Anthropic refuses a turn without text: an empty answer is only told about. */
function toTurns(rejected: { text: string; reason: string }): JsonObject[] {
  const turns = rejectedTurns(rejected)
  return rejected.text.trim() === '' ? turns.slice(1) : turns
}
