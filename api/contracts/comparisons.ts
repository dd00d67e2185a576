import { z } from 'zod'
import { outcomeStatuses } from '../../core/statuses.ts'
import { jobIdSchema } from './jobs.ts'
import { dollars } from './lists.ts'

const count = z.int().nonnegative()

const comparedJob = z.object({
  id: jobIdSchema,
  name: z.string().nullable(),
  provider: z.string(),
  model: z.string().nullable(),
  simulated: z.boolean(),
  items: count,
  succeeded: count,
  failed: count.meta({ description: 'Ended otherwise than well: failed, expired, cancelled.' }),
  input_tokens: count,
  output_tokens: count,
  cost_usd: dollars,
})

const comparedAnswer = z.object({ status: z.enum(outcomeStatuses).nullable(), text: z.string().nullable() })

/** Two jobs side by side, item by item by `custom_id`. */
export const comparisonSchema = z
  .object({
    first: comparedJob,
    second: comparedJob,
    common: count.meta({ description: 'Items that both jobs have.' }),
    only_first: count,
    only_second: count,
    both_succeeded: count,
    agreed: count.meta({
      description:
        'Of those that succeeded in both: the same JSON where both answered with checked JSON, else the same text but for white space around it, and the same tool calls; of embeddings, the same numbers.',
    }),
    agreement: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .meta({ description: '`agreed` of `both_succeeded`; null when there are none.' }),
    only_first_succeeded: count,
    only_second_succeeded: count,
    differences: z.array(z.object({ custom_id: z.string(), first: comparedAnswer, second: comparedAnswer })).meta({
      description:
        'The first 100 items that succeeded in both and do not agree, or succeeded in one of them. Texts are cut at 1,000 characters.',
    }),
  })
  .meta({ id: 'Comparison' })
export type Comparison = z.infer<typeof comparisonSchema>

export const comparisonParams = z.object({
  id: z
    .string()
    .min(1)
    .meta({ param: { name: 'id', in: 'path' }, description: 'The job id, whole.' }),
  other: z
    .string()
    .min(1)
    .meta({ param: { name: 'other', in: 'path' }, description: 'The id of another job, whole.' }),
})
