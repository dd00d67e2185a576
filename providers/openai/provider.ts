import { lineOf, renderers } from '../../formats/renderers.ts'
import type { Catalog } from '../../models/catalog.ts'
import { callsOnDemand } from '../calls-on-demand.ts'
import type { Provider } from '../provider.ts'
import { configuredLimits, keyFingerprint, type ProviderSettings } from '../provider-settings.ts'

/** OpenAI's Batch API (https://developers.openai.com/api/docs/guides/batch), or that of an endpoint that speaks its protocol. */
export function createOpenAiProvider(settings: ProviderSettings & { readonly apiKey: string }, catalog: Catalog): Provider {
  const documented = catalog.providerLimits(settings.kind)
  return {
    name: settings.name,
    kind: 'openai',
    simulated: settings.simulated,
    marker: 'input_file',
    keyFingerprint: keyFingerprint(settings.apiKey),

    limits: (model) => configuredLimits(documented, settings, model),
    prices: (model, at) => catalog.prices(settings.kind, model, at),
    render: (request, defaults, revision) =>
      renderers.openai(request, defaults, (model) => catalog.capabilities(settings.kind, model), revision),
    line: (itemId, rendered) => lineOf('openai', itemId, rendered),

    ...callsOnDemand(async () => (await import('./calls.ts')).createCalls(settings)),
  }
}
