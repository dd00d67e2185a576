import type { AnswerError } from './canonical-answer.ts'

/** Without these there is no request. */
const essential: ReadonlySet<string> = new Set(['model', 'messages', 'input', 'response_format', 'text', 'tools'])

/**
 * The top-level parameter that the provider refused and that can be left out (`Revision.removedParameter`), or null. Only for errors that
 * say that the parameter itself is not taken; a wrong value elsewhere is the user's to mend.
 */
export function cleanableParameter(error: AnswerError): string | null {
  if (error.parameter === null) return null
  if (!['unsupported_parameter', 'unsupported_value', 'unknown_parameter'].includes(error.code)) return null
  const name = error.parameter.split(/[.[]/, 1)[0] as string
  return essential.has(name) ? null : name
}
