import { oneLine } from './table.ts'

/** `warn`: it works, and may not do what is meant. */
export type CheckStatus = 'ok' | 'warn' | 'fail'

export interface CheckLine {
  readonly status: CheckStatus
  readonly name: string
  /** What was found; where it is not good, also what to do. */
  readonly text: string
}

/** A line each: `fail  openai  the key was refused: …`. */
export function renderChecks(lines: readonly CheckLine[]): string {
  const width = Math.max(...lines.map(({ name }) => name.length))
  return lines
    .map(({ status, name, text }) => `${status.padEnd(4)}  ${name.padEnd(width)}  ${oneLine(text)}`.trimEnd())
    .join('\n')
}
