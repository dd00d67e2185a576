import { BatchwrightError } from '../core/errors.ts'
import { didYouMean } from '../core/nearest-name.ts'

export interface PromptTemplate {
  readonly columns: readonly string[]
  /** Puts the row's values in; a missing one is empty. */
  fill(row: Readonly<Record<string, string>>): string
}

/** Reads `Label this: {{text}}`. Spaces inside the braces don't matter. */
export function parsePromptTemplate(template: string): PromptTemplate {
  // Split by a capture group: literals at even places, column names at odd ones.
  const pieces = template.split(/\{\{\s*([^{}]+?)\s*\}\}/)
  return {
    columns: [...new Set(pieces.filter((_, index) => index % 2 === 1))],
    fill: (row) => pieces.map((piece, index) => (index % 2 === 0 ? piece : (row[piece] ?? ''))).join(''),
  }
}

/** Throws `unknown_column` that names the nearest one. */
export function requireColumns(template: PromptTemplate, columns: readonly string[]): void {
  const unknown = template.columns.find((column) => !columns.includes(column))
  if (unknown === undefined) return
  throw new BatchwrightError(
    'unknown_column',
    `the prompt asks for {{${unknown}}}, but the file has no such column${didYouMean(unknown, columns)}: it has ${columns.join(', ')}`,
    { details: { column: unknown, columns } },
  )
}
