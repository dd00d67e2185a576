import { z } from 'zod'
import { dollars } from './lists.ts'

const count = z.int().nonnegative()

const sums = {
  answers: count.meta({ description: 'Outcomes and attempts that used tokens.' }),
  input_tokens: count,
  output_tokens: count,
  cached_tokens: count,
  reasoning_tokens: count,
  cost_usd: dollars,
  unpriced: count.meta({ description: 'Answers whose model has no known price; they are not in `cost_usd`.' }),
}

export const costsSchema = z
  .object({
    job_id: z.string(),
    simulated: z.boolean(),
    spent: z.boolean().meta({ description: 'False for a simulated job: its costs are what it would have cost.' }),
    ...sums,
    by_model: z.array(z.object({ model: z.string().nullable(), ...sums })),
    by_batch: z.array(
      z.object({ batch: z.int().positive(), provider_batch_id: z.string().nullable(), round: z.int().positive(), ...sums }),
    ),
    twins: z
      .object({
        batches: count.meta({ description: 'Those that have ended and whose cost is known.' }),
        cost_usd: dollars.meta({ description: "Dollars, exact; not in the job's `cost_usd`." }),
      })
      .meta({
        description:
          'Batches that a submission of unknown fate created beside the one that counts. They are cancelled as soon as they are seen, and what they finished is billed.',
      }),
  })
  .meta({ id: 'Costs' })
export type Costs = z.infer<typeof costsSchema>
