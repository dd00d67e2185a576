import { BatchwrightError } from '../../core/errors.ts'

/** One thing that is wrong with the input. */
export interface InputError {
  /** Of the file, from 1; null when it is not about a line. */
  readonly line: number | null
  readonly field: string | null
  readonly reason: string
}

export const errorsListed = 100

/** Collects what is wrong with an upload: the first errors by line, and how many there are. */
export interface InputErrors {
  readonly count: number
  add(error: InputError): void
  /** The first ones, by line. */
  listed(): readonly InputError[]
  /** Throws `invalid_input` when there are any. Lines are then counted from those `before` on. */
  throwIfAny(before?: number): void
}

export function createInputErrors(): InputErrors {
  // Bad lines are found at once, duplicates when their chunk is stored: twice the list keeps the first ones of both.
  let listed: InputError[] = []
  let count = 0
  const inOrder = () => listed.sort((left, right) => (left.line ?? 0) - (right.line ?? 0)).slice(0, errorsListed)
  return {
    get count() {
      return count
    },
    add(error) {
      count += 1
      listed.push(error)
      if (listed.length > 2 * errorsListed) listed = inOrder()
    },
    listed: inOrder,
    throwIfAny(before = 0) {
      const ofPart = (line: number | null) => (line === null ? null : line - before)
      if (count > 0)
        throw invalidInput(
          inOrder().map((error) => ({ ...error, line: ofPart(error.line) })),
          count,
        )
    },
  }
}

export function invalidInput(errors: readonly InputError[], count = errors.length): BatchwrightError {
  const [first] = errors
  const rest = count > 1 ? ` (and ${count - 1} more)` : ''
  return new BatchwrightError(
    'invalid_input',
    `${first === undefined ? 'the input can not be taken' : describe(first)}${rest}; nothing was stored`,
    {
      // Thrown errors carry more than what is said about a line.
      details: { errors: errors.map(({ line, field, reason }) => ({ line, field, reason })), error_count: count },
    },
  )
}

function describe({ line, field, reason }: InputError): string {
  return [line === null ? null : `line ${line}`, field, reason].filter((part) => part !== null).join(': ')
}
