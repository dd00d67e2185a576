import { APIError } from 'openai'
import type { CanonicalAnswer } from '../../formats/canonical-answer.ts'
import { parseOpenAiResponse } from '../../formats/openai-answer.ts'
import type { RenderedRequest } from '../../formats/rendering.ts'
import type { OpenAiContext } from './client.ts'
import { toProviderError } from './errors.ts'

/**
 * One realtime call, not retried. What is wrong with this one request comes back as an answer with an error, like a line of a batch; what would hit
 * the next request as well (key, rate limit, network) is thrown as ProviderError.
 */
export async function completeRealtime(
  { client, timeouts }: OpenAiContext,
  rendered: RenderedRequest,
  signal: AbortSignal,
): Promise<CanonicalAnswer> {
  // The SDK's base URL ends in /v1 already.
  const path = rendered.endpoint.replace(/^\/v1(?=\/)/, '')
  try {
    const { data, request_id: requestId } = await client
      .post<unknown>(path, { body: rendered.body, signal, timeout: timeouts.realtimeMs })
      .withResponse()
    return parseOpenAiResponse({ status: 200, requestId: requestId ?? null, body: data })
  } catch (error) {
    const failure = toProviderError(error, rendered.endpoint)
    if (failure.kind !== 'invalid' || !(error instanceof APIError) || failure.httpStatus === null) throw failure
    return parseOpenAiResponse({
      status: failure.httpStatus,
      requestId: error.requestID ?? null,
      body: { error: error.error as unknown },
    })
  }
}
