import { GoogleGenAI } from '@google/genai'
import { defaultTimeouts, type ProviderSettings, type ProviderTimeouts } from '../provider-settings.ts'
import { withTypedErrors } from './errors.ts'

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

export interface InlineRule {
  readonly maxBytes: number
  readonly maxLines: number
}

/**
 * Far below the 20 MB that Gemini takes in a create: it spares an upload and a file where they would be most of the work, and the answers come as one
 * text, of which this many can't be too large for the memory.
 */
export const defaultInlineRule: InlineRule = { maxBytes: 100_000, maxLines: 50 }

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

/**
 * The official SDK's transport: its address, headers and key, with the answer as it came. Its methods change what goes through them: they leave `batchStats`
 * and `error` out of a batch, read an inlined line anew, write warnings to the console, and can't be aborted in an upload.
 */
export class GeminiApi extends GoogleGenAI {
  async send(request: ApiRequest): Promise<Response> {
    // A timer of our own: the SDK's would run on until the last byte of a download.
    const timer = new AbortController()
    const timeout = setTimeout(() => timer.abort(), request.timeoutMs)
    const abortSignal = AbortSignal.any([request.signal, timer.signal])
    try {
      const { responseInternal } = await this.apiClient.request({
        path: request.path,
        httpMethod: request.method,
        ...(request.query === undefined ? {} : { queryParams: request.query }),
        ...(request.body === undefined ? {} : { body: request.body }),
        abortSignal,
        httpOptions: {
          ...(request.headers === undefined ? {} : { headers: request.headers }),
          ...(request.url === undefined ? {} : { baseUrl: request.url, apiVersion: '' }),
          fetch: withTypedErrors(request.fetch ?? fetch),
        },
      })
      return responseInternal
    } finally {
      clearTimeout(timeout)
    }
  }
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
    api: new GeminiApi({ apiKey: settings.apiKey, vertexai: false, apiVersion, httpOptions: { baseUrl, apiVersion } }),
    name: settings.name,
    timeouts: { ...defaultTimeouts, ...settings.timeouts },
    baseUrl,
    expiresAfterMs,
    inline,
  }
}
