import { lineOf, renderers } from '../../formats/renderers.ts'
import type { Catalog } from '../../models/catalog.ts'
import { callsOnDemand } from '../calls-on-demand.ts'
import type { Provider } from '../provider.ts'
import { configuredLimits, keyFingerprint, type ProviderSettings } from '../provider-settings.ts'

/** Anthropic's Message Batches API: https://platform.claude.com/docs/en/build-with-claude/batch-processing */
export function createAnthropicProvider(settings: ProviderSettings & { readonly apiKey: string }, catalog: Catalog): Provider {
  const documented = catalog.providerLimits(settings.kind)
  return {
    name: settings.name,
    kind: 'anthropic',
    simulated: settings.simulated,
    marker: null,
    keyFingerprint: keyFingerprint(settings.apiKey),

    limits: (model) => configuredLimits(documented, settings, model),
    prices: (model, at) => catalog.prices(settings.kind, model, at),
    render: (request, defaults, revision) =>
      renderers.anthropic(request, defaults, (model) => catalog.capabilities(settings.kind, model), revision),
    line: (itemId, rendered) => lineOf('anthropic', itemId, rendered),

    ...callsOnDemand(async () => (await import('./calls.ts')).createCalls(settings)),
  }
}
