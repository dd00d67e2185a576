import { CommanderError } from 'commander'
import { BatchwrightError, describeError } from '../core/errors.ts'
import { exitCodeOfError, exitCodes, type ExitCode } from './exit-codes.ts'
import { formatCount } from './quantities.ts'
import { oneLine } from './table.ts'

const lineErrorsShown = 10

/** One thing that is wrong with the input, as the API tells it. */
interface InputError {
  readonly line?: number | null
  readonly field?: string | null
  readonly reason: string
}

export interface ErrorReport {
  /** The first says what is wrong and what to do; the others are lines of the input. */
  readonly lines: readonly string[]
  readonly json: { readonly error: { readonly code: string; readonly message: string; readonly details?: unknown } }
  readonly exitCode: ExitCode
}

/** What to say about anything that was thrown. */
export function reportError(error: unknown): ErrorReport {
  if (error instanceof CommanderError) return reportUsage(error)
  const code = error instanceof BatchwrightError ? error.code : 'internal'
  // The cause of an error that is meant to be read is for the log; of any other it is all there is.
  const message = error instanceof BatchwrightError ? oneLine(error.message) : describeError(error)
  const details = error instanceof BatchwrightError ? error.details : {}
  return {
    lines: reportLines(message, details),
    json: { error: { code, message, ...(Object.keys(details).length === 0 ? {} : { details }) } },
    exitCode: exitCodeOfError(error),
  }
}

/** `error: unknown option '--timout'\n(Did you mean --timeout?)` on one line. */
function reportUsage(error: CommanderError): ErrorReport {
  const message = oneLine(error.message.replace(/^error: /, '').replace('(Did', '(did'))
  return {
    lines: [`batchwright: ${message}`],
    json: { error: { code: 'usage', message } },
    exitCode: exitCodes.usage,
  }
}

function reportLines(message: string, details: Readonly<Record<string, unknown>>): string[] {
  const errors = Array.isArray(details.errors) ? (details.errors as InputError[]) : []
  const total = typeof details.error_count === 'number' ? details.error_count : errors.length
  // Errors of the request itself are all in the message, and so is a single line; several lines never fit there, and it names the first one.
  if (total < 2 || !errors.some(({ line }) => line != null)) return [`batchwright: ${message}`]
  const shown = errors.slice(0, lineErrorsShown).map(describeInputError)
  return [
    'batchwright: the input has errors; nothing was stored',
    ...shown,
    ...(total > shown.length ? [`… ${formatCount(total)} errors in all`] : []),
  ]
}

function describeInputError({ line, field, reason }: InputError): string {
  const place = [...(line == null ? [] : [`line ${line}`]), ...(field == null ? [] : [`field ${field}`])]
  return oneLine([...place, reason].join(': '))
}
