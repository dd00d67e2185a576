import type { ProviderResult } from '../../formats/canonical-answer.ts'
import { parseOpenAiResultLine } from '../../formats/openai-answer.ts'
import type { ProviderBatch } from '../provider.ts'
import { contentLength, notThereYet, readResultLines } from '../result-lines.ts'
import type { OpenAiContext } from './client.ts'
import { toProviderError } from './errors.ts'

/** All lines of the output file and the error file. Ends normally only when every byte of both was seen. */
export async function* readResults(
  context: OpenAiContext,
  batch: ProviderBatch,
  signal: AbortSignal,
): AsyncGenerator<ProviderResult> {
  for (const fileId of batch.resultFileIds) {
    const response = await openFile(context, batch, fileId, signal)
    const expectedBytes = contentLength(response) ?? (await recordedLength(context, fileId, response, signal))
    yield* readResultLines({ name: `file ${fileId}`, response, expectedBytes, parse: parseOpenAiResultLine, signal })
  }
}

async function openFile({ client }: OpenAiContext, batch: ProviderBatch, fileId: string, signal: AbortSignal): Promise<Response> {
  try {
    return await client.files.content(fileId, { signal })
  } catch (error) {
    throw notThereYet(toProviderError(error, `file ${fileId}`), `file ${fileId}`, batch.endedAt)
  }
}

/** The length in the file's own record. Null: it doesn't say. */
async function recordedLength(
  { client }: OpenAiContext,
  fileId: string,
  response: Response,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    const file = await client.files.retrieve(fileId, { signal })
    return typeof file.bytes === 'number' && file.bytes > 0 ? file.bytes : null
  } catch (error) {
    await response.body?.cancel()
    throw toProviderError(error, `file ${fileId}`)
  }
}
