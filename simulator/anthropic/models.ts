import { knownPrice, anthropicPrices } from '../prices.ts'

/** The dated name under which a model answers; the newer ones have no other name than their own (https://platform.claude.com/docs/en/about-claude/models/overview). */
const answeringNames: Readonly<Record<string, string>> = {
  'claude-haiku-4-5': 'claude-haiku-4-5-20251001',
  'claude-opus-4-5': 'claude-opus-4-5-20251101',
  'claude-sonnet-4-5': 'claude-sonnet-4-5-20250929',
}

export function answeringModel(model: string): string {
  return answeringNames[model] ?? model
}

export function isKnownModel(model: string): boolean {
  return knownPrice(anthropicPrices, model) !== null
}

/** They think unless told not to, so that an answer begins with a thinking block that nobody asked for (https://platform.claude.com/docs/en/build-with-claude/thinking). */
export function thinksByDefault(model: string): boolean {
  return /^claude-(fable|mythos|opus|sonnet|haiku)-5/.test(model) || model === 'claude-mythos-preview'
}

/** Thinking can't be turned off, and no tool can be forced (https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5). */
export function alwaysThinks(model: string): boolean {
  return /^claude-(fable|mythos)-|^claude-opus-5-5/.test(model)
}

/** Takes `thinking: {type: 'enabled', budget_tokens}`: the models before Opus 4.7 and Sonnet 5. */
export function takesThinkingBudget(model: string): boolean {
  return /^claude-(opus|sonnet|haiku)-4-[0-6]\b/.test(model) || !model.startsWith('claude-')
}

/** Continues an answer that the caller began (https://platform.claude.com/docs/en/api/errors#prefill-not-supported). */
export function takesPrefill(model: string): boolean {
  return /^claude-(opus|sonnet|haiku)-4-[0-5]\b/.test(model) || !model.startsWith('claude-')
}

/** The most that `max_tokens` may be; null where nobody has said. */
export function mostAnswerTokens(model: string): number | null {
  if (model.startsWith('claude-haiku-4-5')) return 64_000
  return thinksByDefault(model) ? 128_000 : null
}
