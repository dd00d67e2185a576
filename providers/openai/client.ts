import OpenAI from 'openai'
import { timeoutsOf, type ProviderSettings, type ProviderTimeouts } from '../provider-settings.ts'

/** What the files of this folder share: the SDK's client and the settings that they need. */
export interface OpenAiContext {
  readonly client: OpenAI
  readonly name: string
  readonly timeouts: ProviderTimeouts
}

const officialBaseUrl = 'https://api.openai.com/v1'

/**
 * The official SDK, set so that what happens is what is configured: it would otherwise read keys, organisation and address from its own
 * environment variables, and repeat each failed call twice. Retries belong to Temporal, which counts them and shows them; a create must
 * never be repeated at all.
 */
export function createOpenAiContext(settings: ProviderSettings & { readonly apiKey: string }): OpenAiContext {
  const timeouts = timeoutsOf(settings)
  const client = new OpenAI({
    apiKey: settings.apiKey,
    baseURL: settings.baseUrl ?? officialBaseUrl,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: timeouts.readMs,
    logLevel: 'off',
  })
  return { client, name: settings.name, timeouts }
}
