import { APIError } from '@anthropic-ai/sdk'
import { parseAnthropicResponse } from '../../formats/anthropic-answer.ts'
import type { CanonicalAnswer } from '../../formats/canonical-answer.ts'
import type { RenderedRequest } from '../../formats/rendering.ts'
import type { AnthropicContext } from './client.ts'
import { toProviderError } from './errors.ts'

/**
 * One realtime call, not retried. What is wrong with this one request comes back as an answer with an error, like a line of a batch; what would hit
 * the next request as well (key, rate limit, network) is thrown as ProviderError. Not by `messages.create`, which refuses a large `max_tokens` without
 * streaming before it has asked.
 */
export async function completeRealtime(
  { client, timeouts }: AnthropicContext,
  { endpoint, body }: RenderedRequest,
  signal: AbortSignal,
): Promise<CanonicalAnswer> {
  try {
    const call = client.post<unknown>(endpoint, { body, signal, timeout: timeouts.realtimeMs })
    const { data, request_id: requestId } = await call.withResponse()
    return parseAnthropicResponse({ status: 200, requestId: requestId ?? null, body: data })
  } catch (error) {
    const failure = toProviderError(error, endpoint)
    if (failure.kind !== 'invalid' || !(error instanceof APIError) || failure.httpStatus === null) throw failure
    const answer: unknown = error.error
    return parseAnthropicResponse({ status: failure.httpStatus, requestId: error.requestID ?? null, body: answer })
  }
}
