import { timeoutsOf, type ProviderSettings, type ProviderTimeouts } from '../provider-settings.ts'
import type { InlineRule } from './inline.ts'
import { SdkTransport } from './transport.ts'

/** What the files of this folder share: the SDK's transport and the settings that they need. */
export interface GeminiContext {
  readonly api: GeminiApi
  readonly name: string
  readonly timeouts: ProviderTimeouts
  /** Where the API is, without a slash at its end. */
  readonly baseUrl: string
  /** How long a batch runs before it expires, in milliseconds: Gemini documents it, and says it of no batch. */
  readonly expiresAfterMs: number
  /** A batch of at most so many bytes and lines travels in its create. */
  readonly inline: InlineRule
}

const officialBaseUrl = 'https://generativelanguage.googleapis.com'
/** That of all guides. The SDK's own is `v1` since its third version: https://ai.google.dev/gemini-api/docs/api-versions */
const apiVersion = 'v1beta'

export interface ApiRequest {
  readonly path: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly query?: Record<string, string>
  readonly body?: string | Blob
  readonly headers?: Record<string, string>
  /** Instead of the configured address with the version, and without a path. */
  readonly url?: string
  readonly signal: AbortSignal
  /** Until the headers of its answer, in milliseconds. */
  readonly timeoutMs: number
  readonly fetch?: typeof fetch
}

/** Makes one call; its answer has a status of success. */
export interface GeminiApi {
  send(request: ApiRequest): Promise<Response>
}

/**
 * Set so that what happens is what is configured: the SDK would otherwise read key (GOOGLE_API_KEY before GEMINI_API_KEY), address, version and even
 * another service (Vertex AI) from its own environment variables. It does not retry unless it is told to; a create must never be repeated.
 */
export function createGeminiContext(
  settings: ProviderSettings & { readonly apiKey: string },
  expiresAfterMs: number,
  inline: InlineRule,
): GeminiContext {
  const baseUrl = (settings.baseUrl ?? officialBaseUrl).replace(/\/+$/, '')
  return {
    api: new SdkTransport({ apiKey: settings.apiKey, vertexai: false, apiVersion, httpOptions: { baseUrl, apiVersion } }),
    name: settings.name,
    timeouts: timeoutsOf(settings),
    baseUrl,
    expiresAfterMs,
    inline,
  }
}
