import { lineOf, renderers } from '../../formats/renderers.ts'
import type { Catalog } from '../../models/catalog.ts'
import { callsOnDemand } from '../calls-on-demand.ts'
import type { Provider } from '../provider.ts'
import { configuredLimits, keyFingerprint, type ProviderSettings } from '../provider-settings.ts'
import { defaultInlineRule } from './inline.ts'

/** The Batch API of the Gemini Developer API: https://ai.google.dev/gemini-api/docs/batch-api */
export function createGeminiProvider(
  settings: ProviderSettings & { readonly apiKey: string },
  catalog: Catalog,
  inline = defaultInlineRule,
): Provider {
  const documented = catalog.providerLimits(settings.kind)
  return {
    name: settings.name,
    kind: 'gemini',
    simulated: settings.simulated,
    marker: 'display_name',
    keyFingerprint: keyFingerprint(settings.apiKey),

    // The number of requests is ours, and not Gemini's: who configures more knows what an expiry costs.
    limits: (model) => ({
      ...configuredLimits(documented, settings, model),
      maxRequests: settings.maxBatchRequests ?? documented.maxRequests,
    }),
    prices: (model, at) => catalog.prices(settings.kind, model, at),
    render: (request, defaults, revision) =>
      renderers.gemini(request, defaults, (model) => catalog.capabilities(settings.kind, model), revision),
    line: (itemId, rendered) => lineOf('gemini', itemId, rendered),

    ...callsOnDemand(async () => (await import('./calls.ts')).createCalls(settings, documented.expiresAfterMs, inline)),
  }
}
