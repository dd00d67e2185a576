import { createFileWriter } from '../file-writer.ts'
import { refusedLineDirective } from '../item-faults.ts'
import { isObject, type JsonObject } from '../json.ts'
import { lineGroups } from '../line-reader.ts'
import { invalidArgument } from './errors.ts'
import { fieldOf } from './field.ts'
import { readEmbeddingPrompt, readPrompt } from './prompt.ts'
import type { BatchMethod } from './wire.ts'

/** One request of a batch: in a file with a `key`, in a create with `metadata`. Neither has to be there, and nobody says that keys must differ. */
export interface BatchRequest {
  readonly key: string | null
  readonly metadata: JsonObject | null
  readonly request: JsonObject
}

/** What is known of a batch's requests once they are there. */
export interface BatchInput {
  readonly total: number
  readonly inputTokens: number
  readonly sampleKey: string | null
  /** What is wrong with the input as a whole. */
  readonly problem: string | null
}

export interface InputRules {
  readonly method: BatchMethod
  readonly model: string
  readonly mostRequests: number | null
}

/** Reads one line. Throws a SyntaxError for what isn't a request. */
export function readBatchRequest(text: string): BatchRequest {
  const line: unknown = JSON.parse(text)
  if (!isObject(line) || !isObject(line['request'])) throw new SyntaxError('it has no request')
  const { key, metadata, request } = line
  return {
    key: typeof key === 'string' || typeof key === 'number' ? String(key) : null,
    metadata: isObject(metadata) ? metadata : null,
    request,
  }
}

/** The key of a request, wherever it is: what the caller finds its answer by. */
export function keyOf({ key, metadata }: BatchRequest): string | null {
  const own = key ?? metadata?.['key']
  return typeof own === 'string' ? own : null
}

/**
 * Counts the requests of an input file and their tokens. A file with a broken line is taken all the same: the batch fails later, and says why in the `error`
 * of its operation (https://ai.google.dev/gemini-api/docs/batch-api: "check the error details").
 */
export async function readInput(path: string, { method, model, mostRequests }: InputRules): Promise<BatchInput> {
  let total = 0
  let inputTokens = 0
  let lineNumber = 0
  let sampleKey: string | null = null
  let problem: string | null = null
  for await (const group of lineGroups(path)) {
    for (const text of group) {
      lineNumber++
      if (text.trim() === '') continue
      total++
      if (text.includes(refusedLineDirective))
        problem ??= `Line ${lineNumber}: this request was refused, as its prompt asked for.`
      try {
        const request = readBatchRequest(text)
        sampleKey ??= keyOf(request)
        inputTokens += tokensOf(method, model, request.request)
      } catch (error) {
        problem ??= `Failed to parse the input file: line ${lineNumber}: ${error instanceof Error ? error.message : String(error)}.`
      }
    }
  }
  if (total === 0) problem = 'The input file has no requests.'
  if (mostRequests !== null && total > mostRequests)
    problem = `The input file has ${total} requests. The limit is ${mostRequests}.`
  return { total, inputTokens, sampleKey, problem }
}

/** Puts the requests of a create where those of a file would be, one a line. Throws the API's 400 for what isn't one. */
export async function storeInline(
  requests: readonly unknown[],
  path: string,
  { method, model, mostRequests }: InputRules,
): Promise<BatchInput> {
  if (requests.length === 0)
    throw invalidArgument('* BatchGenerateContentRequest.batch.input_config.requests: requests is not specified\n')
  if (mostRequests !== null && requests.length > mostRequests)
    throw invalidArgument(`The batch has ${requests.length} requests. The limit is ${mostRequests}.`)
  let inputTokens = 0
  let sampleKey: string | null = null
  const lines = requests.map((given, index) => {
    const place = `batch.input_config.requests.requests[${index}]`
    if (!isObject(given) || !isObject(given['request']))
      throw invalidArgument(`* BatchGenerateContentRequest.${place}.request: request is not specified\n`)
    const unknown = Object.keys(given).find((name) => name !== 'request' && name !== 'metadata')
    if (unknown !== undefined)
      throw invalidArgument(`Invalid JSON payload received. Unknown name "${unknown}" at '${place}': Cannot find field.`)
    const metadata = fieldOf(given, 'metadata')
    const request: BatchRequest = { key: null, metadata: isObject(metadata) ? metadata : null, request: given['request'] }
    const text = JSON.stringify({ ...(request.metadata === null ? {} : { metadata }), request: given['request'] })
    if (text.includes(refusedLineDirective)) throw invalidArgument(`${place}: this request was refused, as its prompt asked for.`)
    sampleKey ??= keyOf(request)
    inputTokens += tokensOf(method, model, request.request)
    return text
  })
  const writer = await createFileWriter(path)
  for (const line of lines) await writer.write(Buffer.from(`${line}\n`))
  await writer.close()
  return { total: requests.length, inputTokens, sampleKey, problem: null }
}

function tokensOf(method: BatchMethod, model: string, request: JsonObject): number {
  return method === 'asyncBatchEmbedContent' ? readEmbeddingPrompt(request).inputTokens : readPrompt(model, request).inputTokens
}
