import type { Catalog } from '../models/catalog.ts'
import { createAnthropicProvider } from './anthropic/provider.ts'
import { createGeminiProvider } from './gemini/provider.ts'
import { createOpenAiProvider } from './openai/provider.ts'
import type { Provider } from './provider.ts'
import type { ProviderSettings } from './provider-settings.ts'

/** The providers that this process can call. */
export interface ProviderRegistry {
  /** Null: not configured here, or not known at all. */
  find(name: string): Provider | null
  /** Configured ones, in the order of the settings. */
  names(): string[]
  /** Known, but without a key. */
  unconfigured(): string[]
}

export function createProviderRegistry(settings: readonly ProviderSettings[], catalog: Catalog): ProviderRegistry {
  const providers = new Map<string, Provider>()
  const unconfigured: string[] = []
  for (const each of settings) {
    if (each.apiKey === null) unconfigured.push(each.name)
    else providers.set(each.name, createProvider({ ...each, apiKey: each.apiKey }, catalog))
  }
  return {
    find: (name) => providers.get(name) ?? null,
    names: () => [...providers.keys()],
    unconfigured: () => [...unconfigured],
  }
}

function createProvider(settings: ProviderSettings & { readonly apiKey: string }, catalog: Catalog): Provider {
  switch (settings.kind) {
    case 'openai':
      return createOpenAiProvider(settings, catalog)
    case 'anthropic':
      return createAnthropicProvider(settings, catalog)
    case 'gemini':
      return createGeminiProvider(settings, catalog)
  }
}
