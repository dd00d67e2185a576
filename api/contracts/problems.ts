import { z } from 'zod'

/** RFC 9457. `code` is stable and what programs look at; `detail` is one line for a person. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'A URI that names the kind of problem: `urn:batchwright:problem:<code>`.' }),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    errors: z
      .array(
        z.object({
          line: z.int().nullable().optional().meta({ description: 'Of the uploaded file, from 1.' }),
          field: z.string().nullable().meta({ description: 'A path like `messages[0].content`; null: the whole line or body.' }),
          reason: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'The first 100 things that are wrong with the input.' }),
    error_count: z.int().optional().meta({ description: 'How many there are in all.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' })
export type Problem = z.infer<typeof problemSchema>

/** Every `code` that the API itself gives. Errors of input lines have `invalid_input` and list what is wrong. */
export const problemCodes = [
  // The request
  'invalid_request',
  'invalid_json',
  'unsupported_media_type',
  'body_too_large',
  'route_not_found',
  'method_not_allowed',
  'host_not_allowed',
  'origin_not_allowed',
  'unauthorized',
  // Creating a job
  'empty_input',
  'invalid_input',
  'invalid_csv_header',
  'unknown_column',
  'invalid_schema',
  'input_too_large',
  'upload_broken',
  'upload_lost',
  'upload_in_progress',
  'job_exists',
  'job_is_draft',
  'job_not_draft',
  'part_out_of_order',
  'part_differs',
  'parts_missing',
  'job_deleted',
  'idempotency_key_reused',
  'unknown_provider',
  'unknown_model',
  'provider_unconfigured',
  'provider_without_batches',
  // A job and its state
  'job_not_found',
  'item_not_found',
  'job_not_finished',
  'job_finished',
  'job_finalizing',
  'job_already_cancelled',
  'job_already_cancelling',
  'job_already_paused',
  'job_not_paused',
  'nothing_to_poll',
  'nothing_to_retry',
  // What we depend on
  'database_unavailable',
  'database_not_migrated',
  'temporal_unavailable',
  'internal',
] as const
export type ProblemCode = (typeof problemCodes)[number]
