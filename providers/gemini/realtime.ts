import type { CanonicalAnswer } from '../../formats/canonical-answer.ts'
import { parseGeminiResponse } from '../../formats/gemini-answer.ts'
import type { RenderedRequest } from '../../formats/rendering.ts'
import type { GeminiContext } from './client.ts'
import { AnsweredError, toProviderError } from './errors.ts'

/**
 * One realtime call, not retried. What is wrong with this one request comes back as an answer with an error, like a line of a batch; what would hit
 * the next request as well (key, rate limit, network) is thrown as ProviderError.
 */
export async function completeRealtime(
  { api, timeouts }: GeminiContext,
  { model, endpoint, body }: RenderedRequest,
  signal: AbortSignal,
): Promise<CanonicalAnswer> {
  const path = `models/${encodeURIComponent(model)}:${endpoint}`
  try {
    const response = await api.send({ path, method: 'POST', body: JSON.stringify(body), signal, timeoutMs: timeouts.realtimeMs })
    return parseGeminiResponse({ status: 200, body: await response.json() })
  } catch (error) {
    const failure = toProviderError(error, endpoint)
    if (failure.kind !== 'invalid' || !(error instanceof AnsweredError)) throw failure
    return parseGeminiResponse({ status: error.status, body: error.answer })
  }
}
