import { z } from 'zod'
import { errorClasses } from '../../core/error-classes.ts'
import type { Json } from '../../core/json.ts'
import { itemStatuses } from '../../core/statuses.ts'
import { commaSeparated, dollars, instant, maxRow, pageOf, pageQuery } from './lists.ts'
import { itemErrorSchema, resultSchema } from './results.ts'

const count = z.int().nonnegative()

export const itemSchema = z
  .object({
    seq: z.int().positive(),
    custom_id: z.string(),
    status: z.enum(itemStatuses),
    error_class: z
      .enum(errorClasses)
      .nullable()
      .meta({ description: 'Of its outcome or, while it has none, of its last attempt.' }),
    attempts: count.meta({
      description: 'How often the item was sent, as in its result; while it has none, what is at the provider now is counted.',
    }),
    batch: z.int().positive().nullable().meta({ description: 'Our number of the batch of its outcome.' }),
    bytes: count.meta({ description: "Exact size as the provider's own line." }),
    tokens: count.meta({ description: 'Estimated input tokens.' }),
  })
  .meta({ id: 'Item' })
export type Item = z.infer<typeof itemSchema>

export const listItemsQuery = pageQuery.extend({
  status: commaSeparated(itemStatuses).optional(),
  error_class: commaSeparated(errorClasses).optional(),
  custom_id: z.string().optional(),
})
export type ListItemsQuery = z.input<typeof listItemsQuery>

/** In input order. */
export const itemListSchema = pageOf(itemSchema).meta({ id: 'ItemList' })

export const itemParams = z.object({
  id: z
    .string()
    .min(1)
    .meta({ param: { name: 'id', in: 'path' } }),
  seq: z.coerce
    .number()
    .int()
    .positive()
    .max(maxRow)
    .meta({ param: { name: 'seq', in: 'path' } }),
})

export const attemptSchema = z
  .object({
    batch: z.int().positive(),
    batch_id: z.string().nullable().meta({ description: "The provider's id of the batch." }),
    round: z.int().positive(),
    error: itemErrorSchema,
    text: z.string().nullable().meta({ description: 'What the model said, where an answer was refused by us or cut off.' }),
    model: z.string().nullable(),
    usage: resultSchema.shape.usage,
    cost_usd: dollars.nullable(),
    created_at: instant,
  })
  .meta({ id: 'Attempt' })
export type Attempt = z.infer<typeof attemptSchema>

/** One item with everything that happened to it. */
export const itemDetailSchema = itemSchema
  .extend({
    line: z.custom<Json>(() => true).meta({ type: 'object', description: 'The input line.' }),
    earlier_attempts: z
      .array(attemptSchema)
      .meta({ description: 'The sendings that did not become its outcome, with error and cost; oldest first.' }),
    result: resultSchema.nullable(),
  })
  .meta({ id: 'ItemDetail' })
export type ItemDetail = z.infer<typeof itemDetailSchema>
