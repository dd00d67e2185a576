import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { endpoints } from '../core/job-spec.ts'
import { parseDollars } from '../core/money.ts'
import { providerKinds } from '../core/provider-kind.ts'

const dollars = z.string().transform((text, context) => {
  try {
    return parseDollars(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: `${(error as Error).message}: write it as a quoted decimal like "0.15"` })
    return z.NEVER
  }
})

const tokenPrices = z
  .strictObject({
    input: dollars.meta({ description: 'Input tokens.', examples: ['0.5'] }),
    cached_input: dollars
      .optional()
      .meta({ description: 'Cached input tokens.', default: 'what other input costs', examples: ['0.05'] }),
    cache_write: dollars
      .optional()
      .meta({ description: 'Tokens written to the cache.', default: 'what other input costs', examples: ['0.625'] }),
    output: dollars.optional().meta({ description: 'Output tokens; embeddings have none.', default: '0', examples: ['2'] }),
  })
  .transform((prices) => ({
    input: prices.input,
    cachedInput: prices.cached_input ?? null,
    cacheWrite: prices.cache_write ?? null,
    output: prices.output ?? 0n,
  }))

const datedPrices = z.strictObject({
  from: z.iso.date().meta({ description: 'The first day on which they hold, in UTC.', examples: ['2026-11-01'] }),
  realtime: tokenPrices,
  batch: tokenPrices,
  source: z
    .url()
    .optional()
    .meta({ description: 'Where they are from.', default: 'batchwright.yaml', examples: ['https://example.com/prices'] }),
})

const capability = (description: string) =>
  z
    .boolean()
    .optional()
    .meta({ description, default: '`true`, for embeddings `false`', examples: [true] })

/**
 * One model: a line in `models/<provider>.yaml`, or under `models` in the user's configuration. `type` sets what the model takes; single
 * capabilities can be switched. Prices are dollars per million tokens as quoted decimals; a model without prices has unknown costs.
 */
export const modelEntrySchema = z.strictObject({
  type: z
    .enum(['chat', 'reasoning', 'embedding', 'any'])
    .default('any')
    .meta({ description: 'What it takes; with `any` the provider decides.', examples: ['reasoning'] }),
  context: z
    .int()
    .positive()
    .optional()
    .meta({ description: 'Tokens of its context.', default: 'not known', examples: [400_000] }),
  max_output: z
    .int()
    .positive()
    .optional()
    .meta({ description: 'Tokens of one answer at most.', default: 'not known', examples: [128_000] }),
  endpoints: z
    .array(z.enum(endpoints))
    .min(1)
    .optional()
    .meta({
      description: 'Where it can be called, the preferred one first.',
      default: 'as `type` says',
      examples: [['/v1/responses']],
    }),
  structured_output: capability('It takes a JSON Schema for its answer.'),
  tools: capability('It takes tools.'),
  images: capability('It takes images.'),
  files: capability('It takes files.'),
  efforts: z
    .array(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']))
    .optional()
    .meta({
      description: 'The levels of `reasoning_effort` that it takes, lowest first.',
      default: 'not known: sent as asked for',
      examples: [['low', 'high']],
    }),
  thinks_on_request: z
    .boolean()
    .optional()
    .meta({ description: 'It thinks only when it is told to, as Claude 4.6 to 4.8.', default: '`false`', examples: [true] }),
  thinking_budget: z
    .strictObject({ least: z.int().nonnegative(), most: z.int().positive() })
    .optional()
    .meta({
      description: 'It is told in tokens how much to think, as Gemini 2.5, and takes this many.',
      default: 'none',
      examples: [{ least: 128, most: 32_768 }],
    }),
  prices: z.array(datedPrices).min(1).optional().meta({
    description: 'Dollars per million tokens, as quoted decimals, one entry for each change.',
    default: 'not known: the cost is unknown, not zero',
  }),
})
export type ModelEntry = z.infer<typeof modelEntrySchema>

const modelFileSchema = z.strictObject({
  limits: z.strictObject({
    max_requests: z.int().positive(),
    /** Of the input file, in bytes. */
    max_bytes: z.int().positive(),
    /** How long a batch runs before it expires, in hours. */
    expires_after_hours: z.number().positive(),
    source: z.url(),
  }),
  /** Where prices come from, unless an entry says otherwise. */
  price_source: z.url(),
  models: z.record(z.string(), modelEntrySchema),
})
export type ModelFile = z.infer<typeof modelFileSchema>

/** Reads `models/<provider>.yaml`. Throws `invalid_model_file` that names the file and the field. */
export function readModelFile(provider: string): ModelFile {
  const file = new URL(`./${provider}.yaml`, import.meta.url)
  const checked = modelFileSchema.safeParse(parse(readFileSync(file, 'utf8')))
  if (!checked.success) throw invalid(`models/${provider}.yaml`, checked.error)
  return checked.data
}

/** The `models` of the user's configuration: by provider kind, then by model. */
export const userModelsSchema = z
  .partialRecord(z.enum(providerKinds), z.record(z.string().min(1), modelEntrySchema).meta({ keyName: '<model>' }))
  .meta({ keyName: '<kind>' })
export type UserModels = z.output<typeof userModelsSchema>

function invalid(where: string, error: z.ZodError): BatchwrightError {
  const issue = error.issues[0]
  return new BatchwrightError(
    'invalid_model_file',
    `${where}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`,
    {
      cause: error,
    },
  )
}
