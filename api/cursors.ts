import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'

/** A cursor is the sort key of the last row that was given, and means nothing to clients. */
export function encodeCursor(position: Readonly<Record<string, string | number>>): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** Throws `invalid_request` for what is no cursor of this list. */
export function decodeCursor<Schema extends z.ZodType>(cursor: string | undefined, schema: Schema): z.output<Schema> | null {
  if (cursor === undefined) return null
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch (error) {
    throw new BatchwrightError('invalid_request', 'cursor: is not a next_cursor of this list', {
      cause: error,
      details: { errors: [{ field: 'cursor', reason: 'is not a next_cursor of this list' }] },
    })
  }
}

/** For lists that are ordered by one number. */
export const numberCursor = z.strictObject({ after: z.int32().nonnegative() })

/** One row more than asked for was read: whether there is a next page. */
export function toPage<Row, Json>(
  rows: readonly Row[],
  limit: number,
  toJson: (row: Row) => Json,
  position: (row: Row) => Record<string, string | number>,
) {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    data: shown.map(toJson),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null,
  }
}
