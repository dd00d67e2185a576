import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import { nearestEffort, nearestEffortWarning, reasoningEfforts } from './reasoning-effort.ts'
import { budgetsOfEfforts } from './thinking-budget.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * `reasoning_effort` as `thinkingConfig`: a level for Gemini 3, a number of tokens for Gemini 2.5. A model takes one of the two and refuses the other. Of a
 * model that is not known it is taken that it is new. https://ai.google.dev/gemini-api/docs/thinking
 */
export function addThinking(config: JsonObject, asked: string, capabilities: ModelCapabilities, warnings: string[]): void {
  const effort = reasoningEfforts.find((each) => each === asked)
  if (effort === undefined)
    throw unsupportedRequest('reasoning_effort', `"${asked}" is none that Gemini has: ${reasoningEfforts.join(', ')}`)
  const { thinkingBudget } = capabilities
  if (thinkingBudget !== undefined) {
    const wanted = effort === 'xhigh' || effort === 'max' ? thinkingBudget.most : budgetsOfEfforts[effort]
    const budget = Math.min(Math.max(wanted, thinkingBudget.least), thinkingBudget.most)
    if (effort === 'none' && budget > 0)
      warnings.push(`reasoning_effort sent as ${budget} tokens, the least that the model thinks`)
    config['thinkingConfig'] = { thinkingBudget: budget }
    return
  }
  const taken: readonly string[] = capabilities.efforts ?? ['low', 'medium', 'high']
  if (capabilities.known && capabilities.efforts === undefined) {
    warnings.push(
      'reasoning_effort left out: the model has none; a neutral line can give provider_options.gemini.generationConfig.thinkingConfig',
    )
    return
  }
  const chosen = nearestEffort(effort, taken)
  if (chosen !== asked) warnings.push(nearestEffortWarning(chosen, asked))
  config['thinkingConfig'] = { thinkingLevel: chosen.toUpperCase() }
}
