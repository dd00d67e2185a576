import { z } from 'zod'
import { providerKinds } from '../../core/provider-kind.ts'
import { pageOf } from './lists.ts'

const count = z.int().nonnegative()

/** `disabled`: switched off in the configuration. `removed`: open jobs name it, and the configuration does not. */
export const providerStatuses = ['configured', 'simulated', 'unconfigured', 'disabled', 'removed'] as const
export type ProviderStatus = (typeof providerStatuses)[number]

export const providerSchema = z
  .object({
    name: z.string(),
    kind: z.enum(providerKinds).nullable().meta({ description: 'The protocol that it speaks. Null: not known any more.' }),
    status: z.enum(providerStatuses).meta({
      description:
        '`configured`: it has a key, here or at a worker. `unconfigured`: it has none, and its jobs are refused. `disabled`: switched off. `removed`: only jobs know it.',
    }),
    base_url: z.string().nullable().meta({ description: "Without what may be secret in it. Null: the provider's own." }),
    served: z.boolean().meta({ description: 'A worker that is alive has it.' }),
    open_jobs: count,
    open_batches: count,
    open_jobs_of_other_form: count.meta({
      description:
        'Real jobs of a simulated provider, or simulated ones of a real one: they wait until it is configured as it was.',
    }),
  })
  .meta({ id: 'Provider' })
export type Provider = z.infer<typeof providerSchema>

export const providerListSchema = pageOf(providerSchema).meta({ id: 'ProviderList' })

export const providerParams = z.object({ name: z.string().min(1) })

/** What a check finds. `refused`: another answer than a list of batches. */
export const checkProblems = [
  'unconfigured',
  'no_worker',
  'auth',
  'unreachable',
  'wrong_address',
  'unavailable',
  'refused',
] as const
export type CheckProblem = (typeof checkProblems)[number]

export const providerCheckSchema = z
  .object({
    provider: z.string(),
    simulated: z.boolean(),
    ok: z.boolean(),
    problem: z.enum(checkProblems).nullable(),
    detail: z.string().nullable().meta({ description: 'What is wrong and what to do, in one line.' }),
    took_ms: count.nullable().meta({ description: 'The call itself. Null: none was made.' }),
  })
  .meta({ id: 'ProviderCheck', description: 'One call that costs nothing, made by a worker with its own key.' })
export type ProviderCheck = z.infer<typeof providerCheckSchema>
