import { expect } from 'vitest'
import { loadCatalog } from '../../models/catalog.ts'
import { simulatorControl, startSimulator } from '../../simulator/simulator.ts'
import { conformanceSubject } from '../conformance-subject.ts'
import { type ConformanceTraits, describeProviderConformance } from '../conformance.ts'
import { createAnthropicProvider } from './provider.ts'

const traits: ConformanceTraits = {
  files: false,
  deletesResults: false,
  keepsPartOfExpired: true,
  keepsPartOfCancelled: true,
  fullQueue: { options: { queued_request_limit: 1 }, ends: 'rate_limited', error: { retryAfterMs: expect.any(Number) } },
  resultsRoute: 'batches.results',
  unanswered: 'overloaded',
}

describeProviderConformance('anthropic', traits, async () => {
  const simulator = await startSimulator({ duration_ms: 50 })
  const catalog = loadCatalog()
  return await conformanceSubject(
    {
      simulator,
      control: simulatorControl(simulator.url),
      baseUrl: simulator.baseUrls.anthropic,
      providerAt: (baseUrl, apiKey) =>
        createAnthropicProvider({ name: 'anthropic', kind: 'anthropic', apiKey, baseUrl, simulated: true }, catalog),
    },
    // Jobs name endpoints in OpenAI's spelling; to Anthropic this one means answers, not embeddings.
    { model: 'claude-haiku-4-5', endpoint: '/v1/chat/completions' },
  )
})
