import { createHash } from 'node:crypto'
import { BatchwrightError, describeError } from '../core/errors.ts'
import type { ProviderResult } from '../formats/canonical-answer.ts'
import { unreadableLineCode } from '../formats/failed-answer.ts'
import { splitLines } from '../formats/line-splitter.ts'
import { ProviderError, resultsLagMs, type ProviderBatch } from './provider.ts'

/** An answer can be long, above all a list of embeddings; a line beyond this is a broken file. */
const maxLineBytes = 128 * 1024 * 1024

export interface ResultSource {
  /** For messages. */
  readonly name: string
  readonly response: Response
  /** The length that the whole has, or null where nobody says. */
  readonly expectedBytes: number | null
  readonly parse: (line: string) => ProviderResult
  readonly signal: AbortSignal
}

/**
 * The results in a response, one line at a time, never as a whole in memory. Returns how much it was. Throws `incomplete` when it ended before its
 * expected length, or in the middle of a line.
 */
export async function* readResultLines(source: ResultSource): AsyncGenerator<ProviderResult, ReadAmount> {
  const { name, response, expectedBytes, parse, signal } = source
  const hash = createHash('sha256')
  let receivedBytes = 0
  let lines = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    if (response.body === null) return
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        receivedBytes += chunk.byteLength
        // Of what has its length, the length is enough.
        if (expectedBytes === null) hash.update(chunk)
        yield chunk
      }
    } catch (error) {
      throw interrupted(name, receivedBytes, error, signal)
    }
  }
  let lastLineTerminated = true
  try {
    // A broken byte must not lose the other lines: the line is passed on, and recognised by its id or not at all.
    for await (const line of splitLines(counted(), { maxLineBytes, invalidUtf8: 'replace' })) {
      lastLineTerminated = line.terminated
      const result = parse(line.text)
      if (!line.terminated && result.answer.error?.code === unreadableLineCode) {
        throw new ProviderError(`${name}: ends in the middle of a line, after ${receivedBytes} bytes`, { kind: 'incomplete' })
      }
      lines += 1
      yield result
    }
  } catch (error) {
    if (error instanceof BatchwrightError)
      throw new ProviderError(`${name}: ${error.message}`, { kind: 'invalid', code: error.code, cause: error })
    throw error
  }
  if (expectedBytes !== null && receivedBytes !== expectedBytes) {
    throw new ProviderError(
      `${name}: ${receivedBytes} of ${expectedBytes} bytes arrived${lastLineTerminated ? '' : ', the last line is cut'}`,
      { kind: 'incomplete' },
    )
  }
  return { lines, bytes: receivedBytes, sha256: hash.digest('hex') }
}

export interface ReadAmount {
  readonly lines: number
  readonly bytes: number
  readonly sha256: string
}

/** How often results are read again before it is believed that lines are missing. */
const readsAgain = 2

/**
 * For results of which nobody says how long they are, with fewer lines than the batch has requests: they were cut off where nobody could see it, are still
 * being written, or requests have no line at all, and would be waited for without end. The last is believed some time after the batch's end, when all
 * readings are the same. Throws `incomplete` before that, and when they differ.
 */
export async function requireAllOrTheSame(
  { lines, bytes, sha256 }: ReadAmount,
  { counts, endedAt }: ProviderBatch,
  {
    name,
    open,
    missingLinesMs,
    signal,
  }: { name: string; open: () => Promise<Response>; missingLinesMs: number; signal: AbortSignal },
): Promise<void> {
  const expected = counts?.total ?? 0
  if (lines >= expected) return
  const arrived = `${name}: ${lines} of ${expected} lines arrived`
  if (endedAt !== null && Date.now() - endedAt.getTime() < missingLinesMs)
    throw new ProviderError(`${arrived}, soon after its end: the rest may follow`, { kind: 'incomplete' })
  for (let read = 0; read < readsAgain; read++) {
    const again = await readAgain(name, await open(), signal)
    if (again.sha256 !== sha256)
      throw new ProviderError(`${arrived}, in ${bytes} bytes, and others in ${again.bytes}`, { kind: 'incomplete' })
  }
}

async function readAgain(name: string, response: Response, signal: AbortSignal): Promise<Pick<ReadAmount, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      hash.update(chunk)
    }
  } catch (error) {
    throw interrupted(name, bytes, error, signal)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** `Content-Length` counts the bytes on the wire, so it is of use only without a content encoding. */
export function contentLength(response: Response): number | null {
  const header = response.headers.get('content-length')
  return header !== null && response.headers.get('content-encoding') === null ? Number(header) : null
}

/** A result file that is not found is only late, for a while after the batch's end. */
export function notThereYet(failure: ProviderError, name: string, endedAt: Date | null): ProviderError {
  const endedMs = endedAt === null ? 0 : Date.now() - endedAt.getTime()
  if (failure.kind !== 'not_found' || endedMs > resultsLagMs) return failure
  return new ProviderError(`${name}: not there yet`, {
    kind: 'transient',
    httpStatus: 404,
    code: 'file_not_ready',
    cause: failure.cause,
  })
}

function interrupted(name: string, receivedBytes: number, error: unknown, signal: AbortSignal): ProviderError {
  if (signal.aborted) return new ProviderError(`${name}: aborted`, { kind: 'transient', code: 'aborted', cause: error })
  return new ProviderError(`${name}: the download ended after ${receivedBytes} bytes: ${describeError(error)}`, {
    kind: 'incomplete',
    cause: error,
  })
}
