/** An answer that is shown back is cut here: it is there to be mended, and it is paid for again as input. */
const shownAnswerCharacters = 20_000

/** The rejected answer and what is wrong with it, as two more turns of the conversation. */
export function rejectedTurns(rejected: {
  text: string
  reason: string
}): Array<{ role: 'assistant' | 'user'; content: string }> {
  const answer =
    rejected.text.length > shownAnswerCharacters ? `${rejected.text.slice(0, shownAnswerCharacters)}…` : rejected.text
  return [
    { role: 'assistant', content: answer },
    {
      role: 'user',
      content: `That answer can not be used: ${rejected.reason}. Answer again, with only the JSON that fits the schema and nothing around it.`,
    },
  ]
}

/** Providers name nested parameters by a path, like `reasoning.effort`; the whole top-level parameter goes. */
export function topLevelName(parameter: string): string {
  return parameter.split(/[.[]/, 1)[0] as string
}
