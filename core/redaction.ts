/** A text as it may be stored and shown: what must not be read is `[redacted]`. */
export type Redact = (text: string) => string

export const redactedText = '[redacted]'

/** Redacts the strings and numbers of a JSON text. All else stays as it is written, spaces too, and so does a value in which there is nothing. */
export function redactJson(text: string, redact: Redact): string {
  try {
    return text.replace(jsonScalar, (literal) => {
      const value = literal.startsWith('"') ? parsed(literal) : literal
      // No string of JSON after all: a line that broke off, say.
      if (value === null) return redact(literal)
      const shown = redact(value)
      return shown === value ? literal : JSON.stringify(shown)
    })
  } catch (error) {
    // Millions of escapes in one string are more than the engine's own stack takes.
    if (!(error instanceof RangeError)) throw error
    return redact(text)
  }
}

/** A string may be without an end: the rest of a line that broke off. */
const jsonScalar = /"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)|-?\d[\d.eE+-]*/gs

function parsed(literal: string): string | null {
  try {
    return JSON.parse(literal) as string
  } catch {
    return null
  }
}

/**
 * The error with what it says redacted, and its causes. In place, so that it keeps its class, its fields and whoever holds it; only of one that can't be
 * changed, as an error of postgres.js, a plain copy is given. What is no Error stays.
 */
export function redactError(error: unknown, redact: Redact, seen = new Set<unknown>()): unknown {
  if (!(error instanceof Error) || seen.has(error)) return error
  seen.add(error)
  const parts: Partial<Error> & { errors?: unknown[] } = { message: redact(error.message) }
  // It begins with the message as it was.
  if (error.stack !== undefined) parts.stack = redact(error.stack)
  if (error.cause !== undefined) parts.cause = redactError(error.cause, redact, seen)
  if (error instanceof AggregateError) parts.errors = error.errors.map((one: unknown) => redactError(one, redact, seen))
  const changed = Object.entries(parts).filter(([name, value]) => error[name as keyof Error] !== value)
  if (changed.every(([name, value]) => Reflect.set(error, name, value))) return error
  return Object.assign(new Error(parts.message), { name: error.name }, parts)
}
