import { BatchwrightError, describeError } from '../../core/errors.ts'
import type { ProviderResult } from '../../formats/canonical-answer.ts'
import { splitLines } from '../../formats/line-splitter.ts'
import { parseOpenAiResultLine } from '../../formats/openai-answer.ts'
import { ProviderError, type ProviderBatch } from '../provider.ts'
import type { OpenAiContext } from './client.ts'
import { toProviderError } from './errors.ts'

/** An answer can be long, above all a list of embeddings; a line beyond this is a broken file. */
const maxLineBytes = 128 * 1024 * 1024
/** The files of a batch may appear a moment after it is reported as ended. */
const fileDelayMs = 10 * 60_000

/** All lines of the output file and the error file. Ends normally only when every byte of both was seen. */
export async function* readResults(
  context: OpenAiContext,
  batch: ProviderBatch,
  signal: AbortSignal,
): AsyncGenerator<ProviderResult> {
  for (const fileId of batch.resultFileIds) yield* readResultFile(context, batch, fileId, signal)
}

async function* readResultFile(
  context: OpenAiContext,
  batch: ProviderBatch,
  fileId: string,
  signal: AbortSignal,
): AsyncGenerator<ProviderResult> {
  const response = await openFile(context, batch, fileId, signal)
  const expectedBytes = await expectedLength(context, fileId, response, signal)
  let receivedBytes = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    if (response.body === null) return
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        receivedBytes += chunk.byteLength
        yield chunk
      }
    } catch (error) {
      throw interrupted(fileId, receivedBytes, error, signal)
    }
  }
  let lastLineTerminated = true
  try {
    // A broken byte must not lose the other lines: the line is passed on, and recognised by its id or not at all.
    for await (const line of splitLines(counted(), { maxLineBytes, invalidUtf8: 'replace' })) {
      lastLineTerminated = line.terminated
      const result = parseOpenAiResultLine(line.text)
      if (!line.terminated && result.answer.error?.code === 'unreadable_line') {
        throw new ProviderError(`file ${fileId}: ends in the middle of a line, after ${receivedBytes} bytes`, {
          kind: 'incomplete',
        })
      }
      yield result
    }
  } catch (error) {
    if (error instanceof BatchwrightError)
      throw new ProviderError(`file ${fileId}: ${error.message}`, { kind: 'invalid', code: error.code, cause: error })
    throw error
  }
  if (expectedBytes !== null && receivedBytes !== expectedBytes) {
    throw new ProviderError(
      `file ${fileId}: ${receivedBytes} of ${expectedBytes} bytes arrived${lastLineTerminated ? '' : ', the last line is cut'}`,
      { kind: 'incomplete' },
    )
  }
}

async function openFile({ client }: OpenAiContext, batch: ProviderBatch, fileId: string, signal: AbortSignal): Promise<Response> {
  try {
    return await client.files.content(fileId, { signal })
  } catch (error) {
    const failure = toProviderError(error, `file ${fileId}`)
    const endedMs = batch.endedAt === null ? 0 : Date.now() - batch.endedAt.getTime()
    if (failure.kind !== 'not_found' || endedMs > fileDelayMs) throw failure
    throw new ProviderError(`file ${fileId}: not there yet`, {
      kind: 'transient',
      httpStatus: 404,
      code: 'file_not_ready',
      cause: error,
    })
  }
}

/**
 * The length that the whole file has. `Content-Length` counts the bytes on the wire, so it is of use only without a content encoding; otherwise the
 * file's own record is asked. Null: neither says.
 */
async function expectedLength(
  { client }: OpenAiContext,
  fileId: string,
  response: Response,
  signal: AbortSignal,
): Promise<number | null> {
  const header = response.headers.get('content-length')
  if (header !== null && response.headers.get('content-encoding') === null) return Number(header)
  try {
    const file = await client.files.retrieve(fileId, { signal })
    return typeof file.bytes === 'number' && file.bytes > 0 ? file.bytes : null
  } catch (error) {
    await response.body?.cancel()
    throw toProviderError(error, `file ${fileId}`)
  }
}

function interrupted(fileId: string, receivedBytes: number, error: unknown, signal: AbortSignal): ProviderError {
  if (signal.aborted) return new ProviderError(`file ${fileId}: aborted`, { kind: 'transient', code: 'aborted', cause: error })
  return new ProviderError(`file ${fileId}: the download ended after ${receivedBytes} bytes: ${describeError(error)}`, {
    kind: 'incomplete',
    cause: error,
  })
}
