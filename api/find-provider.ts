import type { ProviderConfig } from '../config/config.ts'
import { BatchwrightError } from '../core/errors.ts'
import { didYouMean } from '../core/nearest-name.ts'

/** Throws `unknown_provider`, with the nearest name. */
export function findProvider(providers: readonly ProviderConfig[], name: string): ProviderConfig {
  const provider = providers.find((candidate) => candidate.name === name)
  if (provider !== undefined) return provider
  const names = providers.map((known) => known.name)
  const reason = `there is no provider "${name}"${didYouMean(name, names)}: ${names.join(', ')}`
  throw new BatchwrightError('unknown_provider', reason, { details: { errors: [{ field: 'provider', reason }] } })
}
