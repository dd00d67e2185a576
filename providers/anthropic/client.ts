import { Anthropic } from '@anthropic-ai/sdk'
import { timeoutsOf, type ProviderSettings, type ProviderTimeouts } from '../provider-settings.ts'

/** What the files of this folder share: the SDK's client and the settings that they need. */
export interface AnthropicContext {
  readonly client: Anthropic
  readonly name: string
  readonly timeouts: ProviderTimeouts
  /** `send`, with no other credentials than the configured key, and the API version that lines are written for. */
  authorized(send: typeof fetch): typeof fetch
}

const officialBaseUrl = 'https://api.anthropic.com'

/**
 * The official SDK, set so that what happens is what is configured: it would otherwise read key, address and more from its own environment variables, and
 * repeat each failed call twice. Retries belong to Temporal, which counts them and shows them; a create must never be repeated at all.
 */
export function createAnthropicContext(settings: ProviderSettings & { readonly apiKey: string }): AnthropicContext {
  const timeouts = timeoutsOf(settings)
  const authorized = (send: typeof fetch): typeof fetch => withOwnHeaders(send, settings.apiKey)
  const client = new Anthropic({
    apiKey: settings.apiKey,
    authToken: null,
    baseURL: settings.baseUrl ?? officialBaseUrl,
    webhookKey: null,
    maxRetries: 0,
    timeout: timeouts.readMs,
    logLevel: 'off',
    openTelemetry: false,
    fetch: authorized(fetch),
  })
  return { client, name: settings.name, timeouts, authorized }
}

/**
 * The version that lines are written for. The SDK's own, 2026-10-21, only refuses more: temperature, top_p and top_k for every model, which 4.6 and earlier
 * take, documents in answers, and citations in questions. A native line goes untouched, so it must not be sent under rules that its writer didn't know.
 * https://platform.claude.com/docs/en/api/versioning and https://platform.claude.com/docs/en/api/migration-2026-10-21
 */
const apiVersion = '2023-06-01'

/** The SDK adds whatever is in ANTHROPIC_CUSTOM_HEADERS, and no option prevents it: another key in there would win over the configured one. */
function withOwnHeaders(send: typeof fetch, apiKey: string): typeof fetch {
  return async (url, init) => {
    const headers = new Headers(init?.headers)
    headers.set('authorization', `Bearer ${apiKey}`)
    headers.set('anthropic-version', apiVersion)
    for (const name of ['x-api-key', 'anthropic-workspace-id']) headers.delete(name)
    return await send(url, { ...init, headers })
  }
}
