import { z } from 'zod'
import { errorClasses } from '../../core/error-classes.ts'
import { jobIdPattern } from '../../core/job-id.ts'
import { endpoints, jobSpecSchema, prioritySchema } from '../../core/job-spec.ts'
import { jobStatuses, pauseReasons } from '../../core/statuses.ts'
import { commaSeparated, dollars, instant, pageOf, pageQuery } from './lists.ts'

export const jobIdSchema = z
  .string()
  .regex(jobIdPattern)
  .meta({ examples: ['k7m2x9qd4hta'] })

export const jobParams = z.object({
  id: z
    .string()
    .min(1)
    .meta({ param: { name: 'id', in: 'path' }, description: 'The job id, whole.' }),
})

const count = z.int().nonnegative()

export const jobSchema = z
  .object({
    id: jobIdSchema,
    name: z.string().nullable(),
    status: z.enum(jobStatuses),
    pause: z
      .object({ reason: z.enum(pauseReasons), detail: z.string().nullable() })
      .nullable()
      .meta({ description: 'Why the job is paused. Any reason but `user` needs a person.' }),
    provider: z.string(),
    model: z.string().nullable().meta({ description: 'Null when the lines name several.' }),
    endpoint: z.string().nullable(),
    simulated: z.boolean().meta({ description: 'The answers and costs come from the simulator: nothing is spent.' }),
    priority: prioritySchema,
    tags: z.record(z.string(), z.string()),
    spec: jobSpecSchema.meta({ description: 'As the job was created, with the defaults of the service.' }),
    counts: z
      .object({
        total: count,
        pending: count,
        submitted: count,
        succeeded: count,
        failed: count,
        expired: count,
        cancelled: count,
      })
      .meta({ description: 'Items by status. All but `pending` and `submitted` are final.' }),
    draft: z.object({ next_part: z.int().positive() }).nullable().meta({
      description: 'Of a job whose items still come in by parts: the number of the next one. It runs when it is started.',
    }),
    rejected_lines: count.meta({
      description: 'Lines of the input that were left out (`skip_invalid`): `GET /v1/jobs/{id}/rejects`.',
    }),
    progress: z.object({ done: count, failed: count, total: count }).meta({
      description: 'For a progress bar: final items and, of open batches, what the provider reports. `done` includes `failed`.',
    }),
    batches: z.object({ total: count, open: count }),
    round: count,
    earlier_attempts: count.meta({
      description:
        'Sendings that did not become an outcome: of all items together, what an item lists as its `earlier_attempts`.',
    }),
    usage: z.object({ input_tokens: count, output_tokens: count }),
    cost_usd: dollars.meta({ description: 'At batch price so far. Not spent when `simulated`.' }),
    unpriced_items: count.meta({ description: 'Answers of models without a known price: the cost is then a lower bound.' }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    next_poll_at: instant.nullable(),
    created_at: instant,
    queued_at: instant.nullable(),
    started_at: instant.nullable(),
    ended_at: instant.nullable(),
    temporal_ui_url: z.url().nullable(),
  })
  .meta({ id: 'Job' })
export type Job = z.infer<typeof jobSchema>

/** The spec's fields and `items`: for small jobs, up to `jsonBodyLimitBytes`. Items are lines of any one format. */
export const createJobBody = jobSpecSchema
  .extend({
    items: z
      .array(z.record(z.string(), z.unknown()))
      .optional()
      .meta({ description: 'Lines of one of the input formats.', examples: [[{ prompt: 'Say hello.' }]] }),
    from: jobIdSchema.optional().meta({
      description:
        'Instead of `items`: the items of this job, with their ids. What it asked (`system`, `schema`, `max_tokens`, `temperature`) is taken over where it is not given.',
    }),
    draft: z.literal(true).optional().meta({
      description:
        'Instead of `items`: they come in numbered parts (`POST /v1/jobs/{id}/items`), until the job is started (`POST /v1/jobs/{id}/start`).',
    }),
  })
  .meta({ id: 'CreateJob' })
export type CreateJobBody = z.input<typeof createJobBody>

export const jsonBodyLimitBytes = 32 * 1024 * 1024

/** Beside the spec, in every form. */
export const createJobOptions = z.object({
  dry_run: z.enum(['true', 'false']).optional().meta({
    description: 'With `true` everything is checked and planned, and nothing is stored or sent: the answer is a `DryRun`.',
  }),
  if_exists: z.enum(['error', 'attach']).optional().meta({
    description:
      'If a job has this name already: `error` refuses the new one (409 `job_exists`), `attach` gives the existing one, whatever its items. Default: names may be used again.',
  }),
})

/**
 * The spec beside a body of JSON lines or CSV: whole as JSON in `spec`, or its simple fields one by one.
 * `tag` is `key=value` and may be repeated.
 */
export const createJobQuery = z.strictObject({
  spec: z.string().optional().meta({ description: 'The job spec as JSON; the other fields are then left out.' }),
  name: z.string().optional(),
  provider: z.string().optional(),
  model: z.string().optional(),
  endpoint: z.enum(endpoints).optional(),
  system: z.string().optional(),
  prompt: z.string().optional(),
  max_tokens: z.coerce.number().optional(),
  temperature: z.coerce.number().optional(),
  priority: prioritySchema.optional(),
  limit: z.coerce.number().optional(),
  skip_invalid: z.enum(['true', 'false']).optional(),
  tag: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .meta({ description: '`key=value`; may be repeated.' }),
  ...createJobOptions.shape,
})

/** What a job would be. */
export const dryRunSchema = z
  .object({
    provider: z.string(),
    model: z.string().nullable().meta({ description: 'Null when the lines name several.' }),
    endpoint: z.string().nullable(),
    simulated: z.boolean(),
    items: count,
    rejected_lines: count,
    rejects: z
      .array(z.object({ line: z.int().nullable(), field: z.string().nullable(), reason: z.string() }))
      .meta({ description: 'The first 100.' }),
    bytes: count.meta({ description: "Of the provider's own lines, exact." }),
    tokens: count.meta({ description: 'Estimated input tokens, rather too many than too few. Not for money.' }),
    batches: count,
    batch_list: z
      .array(z.object({ model: z.string(), endpoint: z.string(), items: count, bytes: count, tokens: count }))
      .meta({ description: 'The first 100 batches of round 1.' }),
    warnings: z.array(z.object({ warnings: z.array(z.string()), items: count })).meta({
      description: 'What is dropped or changed for the provider, the most frequent first, 20 at most.',
    }),
    first_request: z.record(z.string(), z.unknown()).meta({ description: "The provider's own line of the first item." }),
  })
  .meta({ id: 'DryRun' })
export type DryRun = z.infer<typeof dryRunSchema>

export const listRejectsQuery = pageQuery
export const rejectSchema = z
  .object({
    line: z.int().positive().meta({ description: 'Of the input file, from 1.' }),
    field: z.string().nullable(),
    reason: z.string(),
    text: z.string().nullable().meta({ description: 'The line as received; null when it was too long to be read.' }),
  })
  .meta({ id: 'Reject' })
export type Reject = z.infer<typeof rejectSchema>
export const rejectListSchema = pageOf(rejectSchema).meta({ id: 'RejectList' })

export const createJobHeaders = z.object({
  'idempotency-key': z.string().min(1).max(255).optional().meta({
    description:
      'Repeating a request with the same key and content gives the same job. The key of a failed upload is free again.',
  }),
})

export const listJobsQuery = pageQuery.extend({
  status: commaSeparated(jobStatuses).optional(),
  name: z.string().optional(),
  id_prefix: z
    .string()
    .regex(/^[2-9a-hjkmnp-z]{1,12}$/)
    .optional(),
  tag: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .meta({ description: '`key=value`, or a key that must be there; may be repeated, all must match.' }),
  provider: z.string().optional(),
  model: z.string().optional(),
  created_after: z.iso.datetime({ offset: true }).optional(),
})
export type ListJobsQuery = z.input<typeof listJobsQuery>

/** Newest first. */
export const jobListSchema = pageOf(jobSchema).meta({ id: 'JobList' })

/** The commands of `POST /v1/jobs/{id}/<command>`. */
export const jobCommands = ['cancel', 'pause', 'resume', 'poll', 'retry'] as const
export type JobCommand = (typeof jobCommands)[number]

export const retryBody = z
  .strictObject({
    classes: z
      .array(z.enum(errorClasses))
      .min(1)
      .optional()
      .meta({ description: 'Only items that ended with one of these; else all that did not succeed.' }),
  })
  .meta({ id: 'Retry' })
export type RetryBody = z.input<typeof retryBody>
