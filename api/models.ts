import { formatDollars, type TokenPrices } from '../core/money.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import type { Catalog } from '../models/catalog.ts'
import { listModelsQuery, modelListSchema, type Model } from './contracts/models.ts'
import { decodeCursor, numberCursor, toPage } from './cursors.ts'
import type { Dependencies } from './dependencies.ts'
import { findProvider } from './find-provider.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'

/** `GET /v1/models`: the catalogue with the models of the configuration. */
export function addModelRoutes(router: Router, { catalog, config }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/models',
      summary: 'The models that are known, with their limits and prices',
      tag: 'providers',
      query: listModelsQuery,
      responses: { 200: jsonAnswer(modelListSchema, 'A page of models.') },
    },
    ({ context, query }) => {
      // Providers with a name of their own repeat their kind's models, and are listed only when they are asked for.
      const providers =
        query.provider === undefined
          ? config.providers.filter(({ name, kind }) => name === kind)
          : [findProvider(config.providers, query.provider)]
      const text = query.name?.toLowerCase() ?? ''
      const names = providers.flatMap(({ name: provider, kind }) =>
        catalog
          .modelNames(kind)
          .filter((name) => name.toLowerCase().includes(text))
          .map((name) => ({ provider, kind, name })),
      )
      const after = decodeCursor(query.cursor, numberCursor)?.after ?? 0
      const rows = names.map((row, index) => ({ ...row, position: index + 1 })).slice(after, after + query.limit + 1)
      const now = new Date()
      return context.json(
        toPage(
          rows,
          query.limit,
          (row) => toModelJson(catalog, row, now),
          ({ position }) => ({ after: position }),
        ),
      )
    },
  )
}

interface NamedModel {
  readonly provider: string
  readonly kind: ProviderKind
  readonly name: string
}

function toModelJson(catalog: Catalog, { provider, kind, name }: NamedModel, now: Date): Model {
  const capabilities = catalog.capabilities(kind, name)
  const prices = catalog.prices(kind, name, now)
  return {
    provider,
    kind,
    name,
    context_tokens: capabilities.contextTokens,
    max_output_tokens: capabilities.maxOutputTokens,
    capabilities: {
      reasoning: capabilities.reasoning,
      structured_output: capabilities.structuredOutput,
      tools: capabilities.tools,
      images: capabilities.images,
      files: capabilities.files,
      embeddings: capabilities.embeddings,
    },
    efforts: capabilities.efforts === undefined ? null : [...capabilities.efforts],
    endpoints: capabilities.endpoints === null ? null : [...capabilities.endpoints],
    prices:
      prices === null
        ? null
        : {
            from: prices.version,
            realtime: toPricesJson(prices.realtime),
            batch: toPricesJson(prices.batch),
            source: prices.source,
          },
  }
}

function toPricesJson({ input, cachedInput, cacheWrite, output }: TokenPrices) {
  return {
    input: formatDollars(input),
    cached_input: cachedInput === null ? null : formatDollars(cachedInput),
    cache_write: cacheWrite === null ? null : formatDollars(cacheWrite),
    output: formatDollars(output),
  }
}
