import type { JobSpec } from '../../core/job-spec.ts'
import type { BatchLimits } from '../../core/splitting.ts'
import type { ProviderConfig } from '../../config/config.ts'
import type { Catalog } from '../../models/catalog.ts'

/** What a batch of this job may hold, as the worker that plans it will see it: documented, configured, and asked for. */
export function batchLimits(catalog: Catalog, provider: ProviderConfig, spec: JobSpec, model: string): BatchLimits {
  const documented = catalog.providerLimits(provider.kind)
  // The number of requests of Gemini's batches is ours, and not Gemini's: who configures more gets more.
  const configured = provider.maxBatchRequests ?? documented.maxRequests
  const requests = provider.kind === 'gemini' ? configured : Math.min(documented.maxRequests, configured)
  return {
    maxRequests: Math.min(requests, spec.limits?.max_batch_requests ?? Infinity),
    maxBytes: Math.min(documented.maxBytes, provider.maxBatchBytes ?? Infinity, spec.limits?.max_batch_bytes ?? Infinity),
    maxTokens: provider.enqueuedTokens[model] ?? null,
  }
}
