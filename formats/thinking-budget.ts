/** Google's own translation of an effort, in OpenAI's words, as a number of tokens: https://ai.google.dev/gemini-api/docs/openai#thinking */
export const budgetsOfEfforts = { none: 0, minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 } as const

/** The way back: the highest effort that a number of tokens for thinking is enough for. */
export function effortOfBudget(tokens: number): 'none' | 'low' | 'medium' | 'high' {
  if (tokens <= 0) return 'none'
  if (tokens >= budgetsOfEfforts.high) return 'high'
  return tokens >= budgetsOfEfforts.medium ? 'medium' : 'low'
}
