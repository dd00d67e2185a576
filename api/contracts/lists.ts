import { z } from 'zod'

/** Every list is read forward with a cursor; the order is part of the cursor, so rows that come later shift nothing. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100).meta({ description: 'Rows at most, 1 to 1000.' }),
  cursor: z.string().min(1).optional().meta({ description: '`next_cursor` of the page before.' }),
})
export type PageQuery = z.input<typeof pageQuery>

/** Numbers of rows are 32 bits wide: above this Postgres would refuse the query. */
export const maxRow = 2 ** 31 - 1

/** `{data, next_cursor}`; `next_cursor` is null on the last page. */
export function pageOf<Row extends z.ZodType>(row: Row) {
  return z.object({ data: z.array(row), next_cursor: z.string().nullable() })
}
export interface Page<Row> {
  data: Row[]
  next_cursor: string | null
}

/** An instant as ISO 8601 in UTC. */
export const instant = z.iso.datetime()

/** Dollars as an exact decimal string: `"0.0123"`. */
export const dollars = z
  .string()
  .regex(/^-?\d+(\.\d{1,9})?$/)
  .meta({ description: 'Dollars, exact.', examples: ['0.0123'] })

/** A comma-separated list of names, each out of `names`. */
export function commaSeparated<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(names)).min(1))
    .meta({ type: 'string', description: `One or more, separated by commas: ${names.join(', ')}.` })
}
