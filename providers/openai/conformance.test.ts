import { simulatorControl, startSimulator } from '../../simulator/simulator.ts'
import { loadCatalog } from '../../models/catalog.ts'
import { type ConformanceTraits, describeProviderConformance } from '../conformance.ts'
import { conformanceSubject } from '../conformance-subject.ts'
import { createOpenAiProvider } from './provider.ts'

const traits: ConformanceTraits = {
  files: true,
  deletesResults: true,
  keepsPartOfExpired: true,
  keepsPartOfCancelled: true,
  fullQueue: { options: { enqueued_token_limit: 1 }, ends: 'failed_batch' },
  oneCreate: { batches_per_hour: 1 },
  resultsRoute: 'files.content',
  unanswered: 'status_zero',
}

describeProviderConformance('openai', traits, async () => {
  const catalog = loadCatalog()
  const simulator = await startSimulator({ duration_ms: 50 })
  const providerAt = (baseUrl: string, apiKey: string) =>
    createOpenAiProvider({ name: 'openai', kind: 'openai', apiKey, baseUrl, simulated: true }, catalog)
  return await conformanceSubject(
    { simulator, control: simulatorControl(simulator.url), baseUrl: simulator.baseUrls.openai, providerAt },
    { model: 'gpt-4o-mini', endpoint: '/v1/chat/completions' },
  )
})
