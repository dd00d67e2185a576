import { createHash } from 'node:crypto'
import type { ProviderKind } from '../core/provider-kind.ts'
import type { BatchLimits } from '../core/splitting.ts'
import type { ProviderLimits } from '../models/catalog.ts'
import { resultsLagMs } from './provider.ts'

/** One configured provider, as the registry gets it from the configuration and the environment. */
export interface ProviderSettings {
  /** That of its kind, or the name that the user gave to an endpoint that speaks the same protocol. */
  readonly name: string
  readonly kind: ProviderKind
  /** Null: not configured; its jobs are refused. */
  readonly apiKey: string | null
  /** Null: the provider's own address. */
  readonly baseUrl: string | null
  readonly simulated: boolean
  /** Below the provider's own limits. */
  readonly maxBatchRequests?: number
  /** Of the input file, in bytes. */
  readonly maxBatchBytes?: number
  /** The enqueued-token budget of a model, as the provider's limits page shows it for the account. */
  readonly enqueuedTokens?: Readonly<Record<string, number>>
  readonly timeouts?: Partial<ProviderTimeouts>
}

/** How long one call may take, in milliseconds. */
export interface ProviderTimeouts {
  readonly uploadMs: number
  readonly createMs: number
  /** Every other call, until the first byte of its answer; a download may then take as long as bytes keep coming. */
  readonly readMs: number
  readonly realtimeMs: number
  /** After the end of a batch, until it is believed that lines which are not among its results are missing. */
  readonly missingLinesMs: number
}

export const defaultTimeouts: ProviderTimeouts = {
  uploadMs: 15 * 60_000,
  createMs: 60_000,
  readMs: 30_000,
  realtimeMs: 10 * 60_000,
  missingLinesMs: resultsLagMs,
}

/** The simulator has them at once, or after a delay that it was told. */
const simulatedMissingLinesMs = 500

export function timeoutsOf({ simulated, timeouts }: ProviderSettings): ProviderTimeouts {
  return { ...defaultTimeouts, ...(simulated ? { missingLinesMs: simulatedMissingLinesMs } : {}), ...timeouts }
}

/** First 12 hex digits of the key's SHA-256. */
export function keyFingerprint(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex').slice(0, 12)
}

/** The documented limits, or the configured ones where they are lower. */
export function configuredLimits(documented: ProviderLimits, settings: ProviderSettings, model: string): BatchLimits {
  return {
    maxRequests: Math.min(documented.maxRequests, settings.maxBatchRequests ?? Number.POSITIVE_INFINITY),
    maxBytes: Math.min(documented.maxBytes, settings.maxBatchBytes ?? Number.POSITIVE_INFINITY),
    maxTokens: settings.enqueuedTokens?.[model] ?? null,
  }
}
