import { BatchwrightError } from '../core/errors.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { didYouMean } from '../core/nearest-name.ts'
import { providerKinds, type ProviderKind } from '../core/provider-kind.ts'
import { invalidConfig } from './config-file.ts'
import type { ConfigFile, providerFileSchema } from './config-schema.ts'
import type { KnownEnvironment } from './environment.ts'
import type { SchemaIssue } from './schema-issues.ts'
import { Secret } from './secret.ts'
import type { z } from 'zod'

/** Where a provider that goes by its kind's own name has its key and address from, and where its SDK finds it at the simulator. */
const conventions: Readonly<
  Record<
    ProviderKind,
    {
      keys: readonly [keyof KnownEnvironment, ...Array<keyof KnownEnvironment>]
      baseUrl: keyof KnownEnvironment
      simulatorPath: string
    }
  >
> = {
  openai: { keys: ['OPENAI_API_KEY'], baseUrl: 'OPENAI_BASE_URL', simulatorPath: '/openai/v1' },
  anthropic: { keys: ['ANTHROPIC_API_KEY'], baseUrl: 'ANTHROPIC_BASE_URL', simulatorPath: '/anthropic' },
  // The second one is for all of Google; its own SDK would prefer it.
  gemini: { keys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'], baseUrl: 'GOOGLE_GEMINI_BASE_URL', simulatorPath: '/gemini' },
}

/** The variables that stand in for a provider's keys in the configuration; null: none do, as it has a name of its own. */
export function variablesOf({ name, kind }: Pick<ProviderConfig, 'name' | 'kind'>): {
  api_key: readonly (keyof KnownEnvironment)[]
  base_url: readonly (keyof KnownEnvironment)[]
} | null {
  return name === kind ? { api_key: conventions[kind].keys, base_url: [conventions[kind].baseUrl] } : null
}

/** The variable that holds a provider's key; null: only the configuration can. */
export function keyVariable({ name, kind }: Pick<ProviderConfig, 'name' | 'kind'>): string | null {
  return name === kind ? conventions[kind].keys[0] : null
}

export interface ProviderConfig {
  readonly name: string
  readonly kind: ProviderKind
  readonly enabled: boolean
  /** It has batch endpoints. */
  readonly batch: boolean
  /** Null without a key. */
  readonly apiKey: Secret | null
  /** Null: the provider's own. */
  readonly baseUrl: string | null
  /** Its calls go to the simulator. */
  readonly simulated: boolean
  /** Jobs for it can run: it is enabled, and has a key or is simulated. */
  readonly configured: boolean
  readonly maxInFlightBatches: number
  /** By model. */
  readonly enqueuedTokens: Readonly<Record<string, number>>
  readonly maxBatchRequests: number | null
  readonly maxBatchBytes: number | null
  readonly polling: JobSpec['polling']
  readonly retry: JobSpec['retry']
}

/**
 * The providers of the file and those that always exist. A key in the file wins over the environment's, and being simulated wins over any
 * key. Throws `invalid_config` or `invalid_environment`.
 */
export function resolveProviders(
  file: { path: string | null; content: ConfigFile },
  environment: KnownEnvironment,
): ProviderConfig[] {
  const entries = new Map(Object.entries(file.content.providers))
  for (const name of providerKinds) if (!entries.has(name)) entries.set(name, undefinedProvider)
  const simulated = simulatedProviders([...entries.keys()], environment)
  const faults = [...entries].flatMap(([name, entry]) => faultsOf(name, entry, simulated.has(name)))
  if (faults.length > 0) throw invalidConfig(file.path ?? 'batchwright.yaml', faults)
  return [...entries].map(([name, entry]) => {
    const isSimulated = simulated.has(name)
    const kind = kindOf(name, entry)
    const { keys, baseUrl: address, simulatorPath } = conventions[kind]
    const isWellKnown = name === kind
    const apiKey = isSimulated
      ? 'simulated'
      : (entry.api_key ?? (isWellKnown ? keys.map((key) => environment[key]).find((value) => value !== undefined) : undefined))
    const baseUrl = isSimulated
      ? `${environment.BATCHWRIGHT_SIMULATOR_URL?.replace(/\/+$/, '')}${simulatorPath}`
      : (entry.base_url ?? (isWellKnown ? environment[address] : undefined))
    return {
      name,
      kind,
      enabled: entry.enabled,
      batch: entry.batch,
      apiKey: apiKey === undefined ? null : new Secret(apiKey),
      baseUrl: baseUrl ?? null,
      simulated: isSimulated,
      configured: entry.enabled && apiKey !== undefined,
      maxInFlightBatches: entry.max_in_flight_batches,
      enqueuedTokens: entry.enqueued_tokens,
      maxBatchRequests: entry.max_batch_requests ?? null,
      maxBatchBytes: entry.max_batch_bytes ?? null,
      polling: entry.polling,
      retry: entry.retry,
    }
  })
}

type ProviderFile = z.infer<typeof providerFileSchema>

const undefinedProvider: ProviderFile = { enabled: true, batch: true, max_in_flight_batches: 50, enqueued_tokens: {} }

function kindOf(name: string, entry: ProviderFile): ProviderKind {
  // What is no kind was refused before.
  return (entry.kind ?? name) as ProviderKind
}

function faultsOf(name: string, entry: ProviderFile, isSimulated: boolean): SchemaIssue[] {
  const kind = entry.kind ?? name
  const field = `providers.${name}.kind`
  if (!providerKinds.some((known) => known === kind)) {
    const reason =
      entry.kind === undefined
        ? `is missing: a provider of your own needs one (${providerKinds.join(', ')})${didYouMean(name, providerKinds)}`
        : `"${kind}" is unknown${didYouMean(kind, providerKinds)}: ${providerKinds.join(', ')}`
    return [{ field, reason }]
  }
  const hasAddress = name === kind || isSimulated || entry.base_url !== undefined
  return hasAddress ? [] : [{ field: `providers.${name}.base_url`, reason: 'is missing' }]
}

function simulatedProviders(known: readonly string[], environment: KnownEnvironment): Set<string> {
  const names = (environment.BATCHWRIGHT_SIMULATE ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  for (const name of names) {
    if (!known.includes(name)) {
      throw new BatchwrightError(
        'invalid_environment',
        `BATCHWRIGHT_SIMULATE names an unknown provider "${name}"${didYouMean(name, known)}`,
      )
    }
  }
  if (names.length > 0 && environment.BATCHWRIGHT_SIMULATOR_URL === undefined) {
    throw new BatchwrightError(
      'invalid_environment',
      'BATCHWRIGHT_SIMULATE needs BATCHWRIGHT_SIMULATOR_URL: where the simulator listens',
    )
  }
  return new Set(names)
}
