/** How much a model is to think, lowest first: OpenAI's words, of which the others have some. https://developers.openai.com/api/docs/guides/reasoning */
export const reasoningEfforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const
type ReasoningEffort = (typeof reasoningEfforts)[number]

/** Of the levels that a model takes, lowest first, the highest that is not above what is asked for; else its lowest. */
export function nearestEffort(asked: ReasoningEffort, taken: readonly string[]): string {
  const upTo = reasoningEfforts.slice(0, reasoningEfforts.indexOf(asked) + 1)
  return upTo.findLast((each) => taken.includes(each)) ?? (taken[0] as string)
}

export function nearestEffortWarning(chosen: string, asked: string): string {
  return `reasoning_effort sent as ${chosen}, the nearest that the model has to ${asked}`
}
