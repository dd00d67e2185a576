import { z } from 'zod'
import type { ProviderResult } from '../../formats/canonical-answer.ts'
import { parseGeminiInlinedResponse, parseGeminiResultLine } from '../../formats/gemini-answer.ts'
import { parseAnswer } from '../parse-answer.ts'
import { ProviderError, type ProviderBatch } from '../provider.ts'
import { contentLength, notThereYet, readResultLines, requireAllOrTheSame } from '../result-lines.ts'
import { readOperation, retrieveBatch } from './batches.ts'
import type { GeminiContext } from './client.ts'
import { toProviderError } from './errors.ts'
import { filePath } from './files.ts'

/**
 * All results of a batch: of its responses file, or those that it has in itself. Ends normally only when every byte was seen, or, where nobody says how many
 * there are, a line for every request that the batch counts, or the same bytes again and again. A batch that expired, failed or was cancelled may have none.
 */
export async function* readResults(
  context: GeminiContext,
  batch: ProviderBatch,
  signal: AbortSignal,
): AsyncGenerator<ProviderResult> {
  // A list may show a batch without the answers that it has in itself.
  const current =
    batch.resultFileIds.length > 0 || batch.status !== 'completed' ? batch : await retrieveBatch(context, batch.id, signal)
  const place = current.resultFileIds[0]
  if (place === undefined) {
    if (batch.status !== 'completed') return
    // To take them for empty would be to pay for all of it again.
    throw notThereYet(
      new ProviderError(`results of ${batch.id}: gone`, { kind: 'not_found' }),
      `results of ${batch.id}`,
      batch.endedAt,
    )
  }
  if (place === batch.id) yield* readInlined(context, batch, signal)
  else yield* readFile(context, batch, place, signal)
}

async function* readFile(
  context: GeminiContext,
  batch: ProviderBatch,
  fileId: string,
  signal: AbortSignal,
): AsyncGenerator<ProviderResult> {
  const response = await openFile(context, batch, fileId, signal)
  const expectedBytes = contentLength(response)
  const read = yield* readResultLines({ name: fileId, response, expectedBytes, parse: parseGeminiResultLine, signal })
  // Of a batch that was cancelled only a part is there.
  if (expectedBytes !== null || batch.status !== 'completed') return
  const open = async () => await openFile(context, batch, fileId, signal)
  await requireAllOrTheSame(read, batch, { name: fileId, open, missingLinesMs: context.timeouts.missingLinesMs, signal })
}

/** https://ai.google.dev/gemini-api/docs/batch-api#retrieve-batch-job-results; the file's own record can't be read, its name is too long for that. */
async function openFile(
  { api, timeouts }: GeminiContext,
  batch: ProviderBatch,
  fileId: string,
  signal: AbortSignal,
): Promise<Response> {
  try {
    const request = {
      path: `${filePath(fileId)}:download`,
      method: 'GET',
      query: { alt: 'media' },
      headers: uncompressed,
    } as const
    return await api.send({ ...request, signal, timeoutMs: timeouts.readMs })
  } catch (error) {
    throw notThereYet(toProviderError(error, fileId), fileId, batch.endedAt)
  }
}

/** So that the answer says its length. */
const uncompressed = { 'Accept-Encoding': 'identity' }

/** Answers lie in a list that lies in a message of the same name. */
const inlined = z.object({ inlinedResponses: z.array(z.unknown()) })
const output = z.object({ inlinedResponses: inlined.nullish(), inlinedEmbedContentResponses: inlined.nullish() })
const operation = z.object({ response: output.nullish(), metadata: z.object({ output: output.nullish() }) })

async function* readInlined(context: GeminiContext, batch: ProviderBatch, signal: AbortSignal): AsyncGenerator<ProviderResult> {
  const name = `results of ${batch.id}`
  const { response, metadata } = parseAnswer(
    operation,
    await readOperation(context, batch.id, signal),
    name,
    'a batch with answers',
  )
  const place = metadata.output ?? response
  const responses = (place?.inlinedResponses ?? place?.inlinedEmbedContentResponses)?.inlinedResponses ?? []
  // A JSON text that is whole has its end in itself.
  for (const each of responses) yield parseGeminiInlinedResponse(each)
}
