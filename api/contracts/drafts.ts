import { z } from 'zod'
import { createJobBody } from './jobs.ts'
import { instant, pageOf, pageQuery } from './lists.ts'

export const addItemsQuery = z.strictObject({
  part: z.coerce.number().int().positive().max(1_000_000).meta({
    description: 'From 1, without a gap. A part that is sent again with the same content is not stored twice.',
  }),
})
export const addItemsBody = z.strictObject({ items: createJobBody.shape.items.unwrap() })

const count = z.int().nonnegative()

/** A part of a draft that is stored. */
export const partSchema = z
  .object({
    part: z.int().positive(),
    items: count,
    rejected_lines: count.meta({ description: 'Lines that were left out (`skip_invalid`).' }),
    sha256: z.string().meta({ description: 'Of the body, in hexadecimal; of a JSON body, of its items as JSON lines.' }),
    created_at: instant,
  })
  .meta({ id: 'Part' })
export type Part = z.infer<typeof partSchema>

export const receivedPartSchema = partSchema
  .extend({ next_part: z.int().positive().meta({ description: 'The lowest number that is not stored.' }) })
  .meta({ id: 'ReceivedPart' })
export type ReceivedPart = z.infer<typeof receivedPartSchema>

export const listPartsQuery = pageQuery
export const partListSchema = pageOf(partSchema).meta({ id: 'PartList' })

export const startBody = z
  .strictObject({
    parts: z
      .int()
      .positive()
      .optional()
      .meta({ description: 'How many there must be: else nothing starts (409 `parts_missing`).' }),
  })
  .meta({ id: 'Start' })
export type StartBody = z.input<typeof startBody>
