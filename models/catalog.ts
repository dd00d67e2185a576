import { BatchwrightError } from '../core/errors.ts'
import { unknownModel, type ModelCapabilities } from '../core/model-capabilities.ts'
import type { TokenPrices } from '../core/money.ts'
import { didYouMean } from '../core/nearest-name.ts'
import { providerKinds } from '../core/provider-kind.ts'
import { type ModelEntry, readModelFile, type UserModels } from './model-file.ts'

export type { ModelCapabilities } from '../core/model-capabilities.ts'

export interface ModelPrices {
  readonly realtime: TokenPrices
  readonly batch: TokenPrices
  /** From when these prices hold, ISO date: the price version that a job was charged with. */
  readonly version: string
  readonly source: string
}

/** What a provider's batches may hold, as documented; a configuration may set lower bounds. */
export interface ProviderLimits {
  readonly maxRequests: number
  /** Of the provider's own lines with what separates them, in bytes: of OpenAI's and Gemini's input files, of the elements of Anthropic's `requests`. */
  readonly maxBytes: number
  readonly expiresAfterMs: number
  readonly source: string
}

/** Everything that is known about models. All lookups are pure; nothing is read after `loadCatalog`. */
export interface Catalog {
  /** An unknown model can do everything: the provider decides. A dated name (`gpt-4o-mini-2024-07-18`, `claude-haiku-4-5-20251001`) or a fine-tune has its family's. */
  capabilities(kind: string, model: string): ModelCapabilities
  /** The prices that hold at a time, or null when none are known (a fine-tune has prices of its own, which are not listed). */
  prices(kind: string, model: string, at: Date): ModelPrices | null
  /** Throws `unknown_provider` for a kind without a file. */
  providerLimits(kind: string): ProviderLimits
  isKnown(kind: string, model: string): boolean
  modelNames(kind: string): string[]
}

/**
 * Reads the model files, once per process, and adds the user's own models (`models` of the configuration: `{openai: {my-model: {...}}}`),
 * which win over ours and make a name known. Throws `invalid_model_file` that names the field.
 */
export function loadCatalog(userModels: UserModels = {}): Catalog {
  const limits = new Map<string, ProviderLimits>()
  const models = new Map<string, Map<string, CatalogModel>>()
  for (const kind of providerKinds) {
    const file = readModelFile(kind)
    limits.set(kind, {
      maxRequests: file.limits.max_requests,
      maxBytes: file.limits.max_bytes,
      expiresAfterMs: file.limits.expires_after_hours * 3_600_000,
      source: file.limits.source,
    })
    models.set(kind, toCatalogModels(kind, file.models, file.price_source))
  }
  for (const [kind, entries] of Object.entries(userModels)) {
    models.set(kind, new Map([...(models.get(kind) ?? []), ...toCatalogModels(kind, entries, 'batchwright.yaml')]))
  }

  const find = (kind: string, model: string): FoundModel | null => {
    const known = models.get(kind)
    for (const candidate of spellings(model)) {
      const entry = known?.get(candidate.name)
      if (entry !== undefined) return { entry, fineTuned: candidate.fineTuned }
    }
    return null
  }

  return {
    capabilities: (kind, model) => find(kind, model)?.entry.capabilities ?? unknownModel,
    prices: (kind, model, at) => {
      const found = find(kind, model)
      if (found === null || found.fineTuned) return null
      const day = at.toISOString().slice(0, 10)
      return found.entry.prices.find((prices) => prices.version <= day) ?? null
    },
    providerLimits: (kind) => {
      const found = limits.get(kind)
      if (found === undefined)
        throw new BatchwrightError('unknown_provider', `no limits are known for providers of kind "${kind}"`)
      return found
    },
    isKnown: (kind, model) => find(kind, model) !== null,
    modelNames: (kind) => [...(models.get(kind)?.keys() ?? [])],
  }
}

/**
 * Throws `unknown_model`, with the nearest name when one is near. For providers with a fixed set of models (OpenAI itself); an entry under
 * `models` in the configuration makes a name known.
 */
export function requireKnownModel(catalog: Catalog, kind: string, model: string): void {
  if (catalog.isKnown(kind, model)) return
  const suggestion = didYouMean(model, catalog.modelNames(kind))
  throw new BatchwrightError(
    'unknown_model',
    `${kind} has no model "${model}"${suggestion}; if it is new, add it in batchwright.yaml: models: {${kind}: {${model}: {}}}`,
    { details: { model } },
  )
}

interface CatalogModel {
  readonly capabilities: ModelCapabilities
  /** Newest first. */
  readonly prices: readonly ModelPrices[]
}

interface FoundModel {
  readonly entry: CatalogModel
  readonly fineTuned: boolean
}

/**
 * The names under which a model may be listed: itself, without its date (OpenAI's `-2024-07-18`, Anthropic's `-20251101`) or version (Gemini's `-001`), and the base of a fine-tune
 * (`ft:<base>:<org>:<name>:<id>`).
 */
function spellings(model: string): Array<{ name: string; fineTuned: boolean }> {
  const base = /^ft:([^:]+):/.exec(model)?.[1]
  const names = base === undefined ? [model] : [base]
  const dated = /^(.+)-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3})$/.exec(names[0] as string)?.[1]
  if (dated !== undefined) names.push(dated)
  return names.map((name) => ({ name, fineTuned: base !== undefined }))
}

function toCatalogModels(kind: string, entries: Record<string, ModelEntry>, priceSource: string): Map<string, CatalogModel> {
  return new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      { capabilities: toCapabilities(kind, entry), prices: toPrices(entry, priceSource) },
    ]),
  )
}

function toPrices(entry: ModelEntry, priceSource: string): ModelPrices[] {
  return (entry.prices ?? [])
    .map(({ from, realtime, batch, source }) => ({ realtime, batch, version: from, source: source ?? priceSource }))
    .sort((left, right) => right.version.localeCompare(left.version))
}

function toCapabilities(kind: string, entry: ModelEntry): ModelCapabilities {
  // A job's endpoints are OpenAI's: others have their own, which follow from the request. Anthropic has no embeddings.
  const hasEndpoints = kind !== 'anthropic' && kind !== 'gemini'
  const embedding = entry.type === 'embedding'
  return {
    known: true,
    reasoning: entry.type === 'reasoning',
    structuredOutput: entry.structured_output ?? !embedding,
    tools: entry.tools ?? !embedding,
    images: entry.images ?? !embedding,
    files: entry.files ?? !embedding,
    embeddings: kind !== 'anthropic' && (embedding || entry.type === 'any'),
    endpoints:
      entry.endpoints ??
      (entry.type === 'any' || !hasEndpoints ? null : embedding ? ['/v1/embeddings'] : ['/v1/chat/completions', '/v1/responses']),
    maxOutputTokens: entry.max_output ?? null,
    contextTokens: entry.context ?? null,
    ...(entry.efforts === undefined ? {} : { efforts: entry.efforts }),
    ...(entry.thinks_on_request === undefined ? {} : { thinksOnRequest: entry.thinks_on_request }),
    ...(entry.thinking_budget === undefined ? {} : { thinkingBudget: entry.thinking_budget }),
  }
}
