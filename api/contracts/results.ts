import { z } from 'zod'
import { errorClasses } from '../../core/error-classes.ts'
import type { Json } from '../../core/json.ts'
import { outcomeStatuses } from '../../core/statuses.ts'
import { finishReasons } from '../../formats/canonical-answer.ts'
import { commaSeparated, dollars, maxRow } from './lists.ts'

const count = z.int().nonnegative()
const json = z.custom<Json>(() => true).meta({ type: ['object', 'array', 'string', 'number', 'boolean', 'null'] })

/** Why an item has no good answer. */
export const itemErrorSchema = z
  .object({
    class: z.enum(errorClasses),
    code: z.string().meta({ description: "The provider's own code where it gives one." }),
    message: z.string(),
    http_status: z.int().nullable(),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'ItemError' })
export type ItemError = z.infer<typeof itemErrorSchema>

export const toolCallSchema = z.object({
  id: z.string(),
  name: z.string(),
  arguments: z.string().meta({ description: 'As the model wrote it; mostly JSON.' }),
})

/** One line of `results`: the outcome of one item. */
export const resultSchema = z
  .object({
    custom_id: z.string(),
    seq: z.int().positive().meta({ description: 'The position in the input, from 1.' }),
    status: z.enum(outcomeStatuses),
    finish_reason: z.enum(finishReasons).nullable(),
    text: z.string().nullable(),
    output: json.nullable().meta({ description: 'The parsed JSON of a structured answer, checked against its schema.' }),
    tool_calls: z.array(toolCallSchema),
    embedding: z.array(z.number()).nullable(),
    error: itemErrorSchema.nullable(),
    usage: z.object({
      input_tokens: count,
      output_tokens: count,
      cached_tokens: count,
      cache_write_tokens: count,
      reasoning_tokens: count,
    }),
    cost_usd: dollars.nullable().meta({ description: 'Null when the model has no known price.' }),
    provider: z.string(),
    model: z.string().nullable(),
    batch_id: z.string().nullable().meta({ description: "The provider's id of the batch; null when the item was never sent." }),
    attempts: count.meta({
      description:
        'How often the item was sent: the sending that this outcome is from, and those before it, which `GET /v1/jobs/{id}/items/{seq}` lists as `earlier_attempts`. 0 when it was never sent.',
    }),
    metadata: json.nullable(),
    warnings: z.array(z.string()),
    simulated: z.boolean(),
  })
  .meta({ id: 'Result' })
export type Result = z.infer<typeof resultSchema>

/** One line of `results` with `raw=true`: what the provider itself said of one item. */
export const rawResultSchema = resultSchema
  .pick({ custom_id: true, seq: true, status: true })
  .extend({
    raw: z.string().nullable().meta({
      description:
        "The provider's own line, character for character as it was received; its id is the one that the item was sent with. Null when it gave none.",
    }),
  })
  .meta({ id: 'RawResult' })
export type RawResult = z.infer<typeof rawResultSchema>

export const resultFormats = ['jsonl', 'json', 'csv'] as const
export type ResultFormat = (typeof resultFormats)[number]

export const resultsQuery = z.strictObject({
  after_seq: z.coerce.number().int().nonnegative().max(maxRow).default(0),
  limit: z.coerce.number().int().positive().max(maxRow).optional().meta({ description: 'Lines at most; all without it.' }),
  status: commaSeparated(outcomeStatuses).optional(),
  format: z.enum(resultFormats).default('jsonl'),
  raw: z
    .stringbool()
    .default(false)
    .meta({ type: 'boolean', description: "The provider's own lines instead of ours, as `RawResult`." }),
  failed_as_input: z.stringbool().default(false).meta({
    type: 'boolean',
    description:
      'Instead of results the input lines of the items that did not succeed, with their ids: to be mended, or submitted to another model.',
  }),
})
export type ResultsQuery = z.input<typeof resultsQuery>

/** `true` when every item had its outcome before the first line was read. */
export const completeHeader = 'Batchwright-Complete'
