import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { endpoints } from '../core/job-spec.ts'
import { parseDollars } from '../core/money.ts'

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
    input: dollars,
    /** Absent: cached tokens cost what other input costs. */
    cached_input: dollars.optional(),
    cache_write: dollars.optional(),
    /** Absent for embeddings, which have no output. */
    output: dollars.optional(),
  })
  .transform((prices) => ({
    input: prices.input,
    cachedInput: prices.cached_input ?? null,
    cacheWrite: prices.cache_write ?? null,
    output: prices.output ?? 0n,
  }))

const datedPrices = z.strictObject({
  from: z.iso.date(),
  realtime: tokenPrices,
  batch: tokenPrices,
  source: z.url().optional(),
})

/**
 * One model: a line in `models/<provider>.yaml`, or under `models` in the user's configuration. `type` sets what the model takes; single
 * capabilities can be switched. Prices are dollars per million tokens as quoted decimals; a model without prices has unknown costs.
 */
export const modelEntrySchema = z.strictObject({
  type: z.enum(['chat', 'reasoning', 'embedding', 'any']).default('any'),
  context: z.int().positive().optional(),
  max_output: z.int().positive().optional(),
  endpoints: z.array(z.enum(endpoints)).min(1).optional(),
  structured_output: z.boolean().optional(),
  tools: z.boolean().optional(),
  images: z.boolean().optional(),
  files: z.boolean().optional(),
  /** The levels of `reasoning_effort` that it takes, lowest first. Absent: not known, and sent as asked for. */
  efforts: z.array(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])).optional(),
  /** It thinks only when it is told to, as Claude 4.6 to 4.8. */
  thinks_on_request: z.boolean().optional(),
  /** It is told in tokens how much to think, as Gemini 2.5, and takes this many. */
  thinking_budget: z.strictObject({ least: z.int().nonnegative(), most: z.int().positive() }).optional(),
  prices: z.array(datedPrices).min(1).optional(),
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

const userModelsSchema = z.record(z.string(), z.record(z.string(), modelEntrySchema))

/** Checks the `models` of the user's configuration: by provider kind, then by model. Throws `invalid_model_file` that names the field. */
export function parseUserModels(models: unknown): z.infer<typeof userModelsSchema> {
  const checked = userModelsSchema.safeParse(models)
  if (!checked.success) throw invalid('models', checked.error)
  return checked.data
}

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
