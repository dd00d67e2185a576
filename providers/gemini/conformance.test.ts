import { loadCatalog } from '../../models/catalog.ts'
import { simulatorControl, startSimulator } from '../../simulator/simulator.ts'
import { conformanceSubject } from '../conformance-subject.ts'
import { type ConformanceTraits, describeProviderConformance } from '../conformance.ts'
import type { InlineRule } from './inline.ts'
import { createGeminiProvider } from './provider.ts'

const traits: ConformanceTraits = {
  files: true,
  // Their names are too long for that: https://github.com/googleapis/python-genai/issues/1759
  deletesResults: false,
  keepsPartOfExpired: false,
  keepsPartOfCancelled: false,
  fullQueue: { options: { enqueued_token_limit: 1 }, ends: 'rate_limited', error: { code: 'token_limit_exceeded' } },
  resultsRoute: 'files.content',
  unanswered: 'overloaded',
  refused: 'content_filter',
}

const subjectOf = (inline: InlineRule) => async () => {
  const simulator = await startSimulator({ duration_ms: 50, cancelling_ms: 50 })
  const catalog = loadCatalog()
  return await conformanceSubject(
    {
      simulator,
      control: simulatorControl(simulator.url),
      baseUrl: simulator.baseUrls.gemini,
      providerAt: (baseUrl, apiKey) =>
        createGeminiProvider({ name: 'gemini', kind: 'gemini', apiKey, baseUrl, simulated: true }, catalog, inline),
    },
    // Jobs name endpoints in OpenAI's spelling; to Gemini this one means answers, not embeddings.
    { model: 'gemini-2.5-flash', endpoint: '/v1/chat/completions' },
  )
}

describeProviderConformance('gemini with files', traits, subjectOf({ maxBytes: 0, maxLines: 0 }))

describeProviderConformance(
  'gemini with requests in the create',
  { ...traits, files: false, resultsRoute: null },
  subjectOf({ maxBytes: 1_000_000, maxLines: 1_000 }),
)
