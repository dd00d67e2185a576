import { z } from 'zod'
import { batchResults, batchStatuses, submissionStates } from '../../core/statuses.ts'
import { instant, pageOf, pageQuery } from './lists.ts'

const count = z.int().nonnegative()

export const submissionSchema = z
  .object({
    id: z.int().positive(),
    attempt: z.int().positive(),
    state: z.enum(submissionStates),
    provider_batch_id: z.string().nullable(),
    error: z.string().nullable(),
    intended_at: instant,
    sent_at: instant.nullable(),
    send_deadline: instant,
    settled_at: instant.nullable(),
  })
  .meta({ id: 'Submission', description: 'One try at creating the batch at the provider.' })
export type Submission = z.infer<typeof submissionSchema>

export const batchSchema = z
  .object({
    batch: z.int().positive().meta({ description: 'Counts from 1 within the job.' }),
    round: z.int().positive(),
    split_from: z.int().positive().nullable().meta({ description: 'The refused batch that this one is a part of.' }),
    provider: z.string(),
    model: z.string(),
    endpoint: z.string(),
    status: z.enum(batchStatuses),
    result: z.enum(batchResults).nullable(),
    provider_batch_id: z.string().nullable(),
    provider_status: z.string().nullable(),
    items: count,
    bytes: count,
    tokens: count.meta({ description: 'Estimated input tokens.' }),
    reported: z.object({ done: count, failed: count }).nullable().meta({ description: 'As the provider last said; a hint.' }),
    answered: count.meta({ description: 'Answers that are merged.' }),
    polls: count,
    error: z.object({ code: z.string(), message: z.string().nullable() }).nullable(),
    submissions: z.array(submissionSchema),
    created_at: instant,
    submitted_at: instant.nullable(),
    expires_at: instant.nullable(),
    next_poll_at: instant.nullable(),
    ended_at: instant.nullable(),
  })
  .meta({ id: 'Batch' })
export type Batch = z.infer<typeof batchSchema>

export const listBatchesQuery = pageQuery
export type ListBatchesQuery = z.input<typeof listBatchesQuery>

/** In order of their numbers. */
export const batchListSchema = pageOf(batchSchema).meta({ id: 'BatchList' })
