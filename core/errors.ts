/**
 * An error that a user or a program is meant to read. `code` is stable (it goes out in problem+json and in the CLI's `--json`);
 * `message` is one line for a person and says what to do. The cause is kept for the log.
 */
export class BatchwrightError extends Error {
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BatchwrightError'
    this.code = code
    this.details = options.details ?? {}
  }
}

/** The text of anything thrown: `message` of an Error with the messages of its causes, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error))
  const own = error instanceof AggregateError && error.message === '' ? error.errors.map(describeError).join('; ') : error.message
  const cause = error.cause === undefined ? '' : describeError(error.cause)
  return oneLine(cause !== '' && !own.includes(cause) ? `${own}: ${cause}` : own)
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
