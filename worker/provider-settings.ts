import type { Config } from '../config/config.ts'
import type { ProviderSettings } from '../providers/provider-settings.ts'

/** The providers of the configuration as the registry takes them; only here does a key leave its wrapping. */
export function providerSettings(config: Config): ProviderSettings[] {
  return config.providers
    .filter(({ enabled }) => enabled)
    .map((provider) => ({
      name: provider.name,
      kind: provider.kind,
      apiKey: provider.apiKey?.reveal() ?? null,
      baseUrl: provider.baseUrl,
      simulated: provider.simulated,
      enqueuedTokens: provider.enqueuedTokens,
      ...(provider.maxBatchRequests === null ? {} : { maxBatchRequests: provider.maxBatchRequests }),
      ...(provider.maxBatchBytes === null ? {} : { maxBatchBytes: provider.maxBatchBytes }),
    }))
}
