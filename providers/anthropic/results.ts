import type { ProviderResult } from '../../formats/canonical-answer.ts'
import { parseAnthropicResultLine } from '../../formats/anthropic-answer.ts'
import { ProviderError, type ProviderBatch } from '../provider.ts'
import { contentLength, notThereYet, readResultLines, requireAllOrTheSame } from '../result-lines.ts'
import type { AnthropicContext } from './client.ts'
import { toProviderError } from './errors.ts'

/**
 * All results of a batch. Ends normally only when every byte was seen, or, where nobody says how many there are, a line for every request that the batch
 * counts, or the same bytes again and again: https://platform.claude.com/docs/en/api/messages/batches/results. The SDK's own decoder notices neither.
 */
export async function* readResults(
  context: AnthropicContext,
  batch: ProviderBatch,
  signal: AbortSignal,
): AsyncGenerator<ProviderResult> {
  const name = `results of ${batch.id}`
  const response = await openResults(context, batch, name, signal)
  const expectedBytes = contentLength(response)
  const read = yield* readResultLines({ name, response, expectedBytes, parse: parseAnthropicResultLine, signal })
  if (expectedBytes !== null) return
  const open = async () => await openResults(context, batch, name, signal)
  await requireAllOrTheSame(read, batch, { name, open, missingLinesMs: context.timeouts.missingLinesMs, signal })
}

async function openResults(
  { client }: AnthropicContext,
  batch: ProviderBatch,
  name: string,
  signal: AbortSignal,
): Promise<Response> {
  const url = batch.resultFileIds[0]
  // Results are there as soon as a batch has ended, and go after 29 days. To take them for empty would be to pay for all of it again.
  if (url === undefined) throw notThereYet(new ProviderError(`${name}: gone`, { kind: 'not_found' }), name, batch.endedAt)
  try {
    return await client.get<unknown>(ownAddress(url, batch.id, client.baseURL), { signal, headers: resultHeaders }).asResponse()
  } catch (error) {
    throw notThereYet(toProviderError(error, name), name, batch.endedAt)
  }
}

const resultHeaders = { accept: 'application/binary' }

/** The key goes to nobody but the configured address, whatever the batch says: another one is replaced by the documented path. */
function ownAddress(url: string, batchId: string, baseUrl: string): string {
  const isOwn = URL.canParse(url) && new URL(url).origin === new URL(baseUrl).origin
  return isOwn ? url : `/v1/messages/batches/${encodeURIComponent(batchId)}/results`
}
