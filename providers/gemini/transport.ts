import { GoogleGenAI } from '@google/genai'
import type { ApiRequest, GeminiApi } from './client.ts'
import { withTypedErrors } from './errors.ts'

/**
 * The official SDK's transport: its address, headers and key, with the answer as it came. Its methods change what goes through them: they leave `batchStats`
 * and `error` out of a batch, read an inlined line anew, write warnings to the console, and can't be aborted in an upload.
 */
export class SdkTransport extends GoogleGenAI implements GeminiApi {
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
