import { z } from 'zod'
import { providerKinds } from '../../core/provider-kind.ts'
import { dollars, pageOf, pageQuery } from './lists.ts'

const tokens = z.int().positive().nullable()

const tokenPrices = z.object({
  input: dollars,
  cached_input: dollars.nullable().meta({ description: 'Null: what other input costs.' }),
  cache_write: dollars.nullable().meta({ description: 'Null: what other input costs.' }),
  output: dollars,
})

export const modelSchema = z
  .object({
    provider: z.string().meta({ description: 'As a job names it.' }),
    kind: z.enum(providerKinds).meta({ description: 'The protocol that the provider speaks.' }),
    name: z.string(),
    context_tokens: tokens.meta({ description: 'Null: not known.' }),
    max_output_tokens: tokens.meta({ description: 'Null: not known.' }),
    capabilities: z.object({
      reasoning: z.boolean(),
      structured_output: z.boolean(),
      tools: z.boolean(),
      images: z.boolean(),
      files: z.boolean(),
      embeddings: z.boolean(),
    }),
    efforts: z
      .array(z.string())
      .nullable()
      .meta({ description: 'The levels of `reasoning_effort`, lowest first; null: not known.' }),
    endpoints: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Where it can be called; null: not known, or the provider has only one.' }),
    prices: z
      .object({
        from: z.iso.date().meta({ description: 'Since when they hold.' }),
        realtime: tokenPrices,
        batch: tokenPrices,
        source: z.string(),
      })
      .nullable()
      .meta({ description: 'Dollars per million tokens, as they are today. Null: not known.' }),
  })
  .meta({ id: 'Model' })
export type Model = z.infer<typeof modelSchema>

export const listModelsQuery = pageQuery.extend({
  provider: z.string().min(1).optional().meta({ description: 'Of this provider only, also one with a name of your own.' }),
  name: z.string().min(1).optional().meta({ description: 'A part of the name; small and capital letters are the same.' }),
})
export type ListModelsQuery = z.input<typeof listModelsQuery>

/** By provider, in the order of the catalogue: newest first. */
export const modelListSchema = pageOf(modelSchema).meta({ id: 'ModelList' })
