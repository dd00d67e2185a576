import { statSync } from 'node:fs'
import { refusedLineDirective } from '../item-faults.ts'
import { lineGroups } from '../line-reader.ts'
import {
  finishingOrder,
  lineRenderer,
  type LineFate,
  type PreparedLine,
  type Preparation,
  type PreparedLines,
  type RenderLine,
} from '../prepared-lines.ts'
import { knownPrice, openaiPrices } from '../prices.ts'
import { hashHex } from '../random.ts'
import { createSpool } from '../spool.ts'
import { isBatchError, readBatchLine, type BatchError, type BatchLine, type SeenLines } from './batch-line.ts'
import { execute, type Execution } from './execution.ts'
import { readPrompt, type Prompt } from './prompt.ts'
import type { StoredBatch } from './state.ts'

export interface PreparedBatch extends PreparedLines {
  readonly model: string
  readonly inputTokens: number
  readonly sampleCustomId: string
}

const mostErrors = 100
/** Documented on `BatchCreateParams.endpoint` in the SDK. */
const mostEmbeddingInputs = 50_000

/**
 * Reads the input file once: checks every line and, while it is parsed, works out what will come of it. What finishes later only has to be copied, in any
 * order, so that a batch of 200 MB is parsed a single time and never lies in memory. The same file gives the same result again after a restart.
 */
export async function prepareBatch(preparation: Preparation<StoredBatch>): Promise<PreparedBatch | BatchError[]> {
  const { batch, options, inputPath } = preparation
  const bytes = statSync(inputPath).size
  const mostRequests = options.max_requests ?? 50_000
  const mostBytes = options.max_batch_bytes ?? 209_715_200
  if (bytes > mostBytes) {
    const message = `The batch input file is too large: ${bytes} bytes. The limit is ${mostBytes} bytes.`
    return [wholeFileError('file_too_large', message)]
  }
  const spool = createSpool(preparation.spoolPath)
  const errors: BatchError[] = []
  const seen: SeenLines = { customIds: new Set(), model: null }
  const rules = {
    endpoint: batch.endpoint,
    isKnownModel: (model: string) => !options.refuse_unknown_models || knownPrice(openaiPrices, model) !== null,
  }
  const rendering = { ...preparation, spool }
  const prepareLine = openaiLineRenderer(preparation, lineRenderer(rendering))
  const lines: PreparedLine[] = []
  let lineNumber = 0
  let inputTokens = 0
  let embeddingInputs = 0
  let sampleCustomId = ''
  for await (const group of lineGroups(inputPath)) {
    for (const text of group) {
      lineNumber++
      if (text.trim() === '') continue
      if (seen.customIds.size >= mostRequests) {
        spool.discard()
        return [wholeFileError('too_many_tasks', `The batch input file contains more than ${mostRequests} requests.`)]
      }
      const read = text.includes(refusedLineDirective) ? refusedLine(lineNumber) : readBatchLine(text, lineNumber, rules, seen)
      if (isBatchError(read)) {
        if (errors.length < mostErrors) errors.push(read)
        continue
      }
      const prompt = readPrompt(batch.endpoint, read.body)
      inputTokens += prompt.inputTokens
      embeddingInputs += prompt.inputs.length
      if (sampleCustomId === '') sampleCustomId = read.customId
      if (errors.length === 0) lines.push(prepareLine(read, prompt, text, lineNumber))
    }
  }
  if (lineNumber === 0 || (lines.length === 0 && errors.length === 0)) {
    errors.push(
      wholeFileError('empty_file', 'The input file is empty. Please ensure that the batch contains at least one request.'),
    )
  }
  if (embeddingInputs > mostEmbeddingInputs) {
    errors.push(
      wholeFileError(
        'too_many_tasks',
        `The batch contains ${embeddingInputs} embedding inputs. The limit is ${mostEmbeddingInputs}.`,
      ),
    )
  }
  if (errors.length > 0) {
    spool.discard()
    return errors
  }
  const order = finishingOrder(lines.length, rendering, batch.number)
  return { model: seen.model ?? '', inputTokens, sampleCustomId, lines, order, spool }
}

function refusedLine(line: number): BatchError {
  return { code: 'invalid_request', message: 'This line was refused, as its prompt asked for.', param: 'body', line }
}

function wholeFileError(code: string, message: string): BatchError {
  return { code, message, param: null, line: null }
}

type LineRenderer = (line: BatchLine, prompt: Prompt, text: string, lineNumber: number) => PreparedLine

function openaiLineRenderer({ batch, options }: Preparation<StoredBatch>, render: RenderLine): LineRenderer {
  const createdSeconds = Math.floor(batch.createdMs / 1000)
  return (line, prompt, text, lineNumber) =>
    render(prompt.fingerprint, text, (fault) => {
      const unique = `${batch.id}:${lineNumber}`
      const execution = execute(batch.endpoint, line.body, prompt, fault, { unique, createdSeconds }, options.strict_parameters)
      return {
        fate: fateOf(execution),
        prefix: `{"id":"batch_req_${hashHex(unique, 32)}","custom_id":${JSON.stringify(line.customId)}`,
        ending: lineEnding(execution, unique),
        bill: {
          provider: 'openai',
          key: batch.key,
          batch: { id: batch.id, customId: line.customId },
          endpoint: batch.endpoint,
          model: line.model,
          price: knownPrice(openaiPrices, line.model),
          refusedStatus: execution.type === 'refused' ? execution.status : null,
          usage: execution.type === 'answered' || execution.type === 'lost' ? execution.usage : null,
        },
      }
    })
}

function fateOf(execution: Execution): LineFate {
  switch (execution.type) {
    case 'answered':
      return 'output'
    case 'lost':
      return 'lost'
    case 'refused':
    case 'unexecuted':
    case 'empty':
      return 'error'
  }
}

function lineEnding(execution: Execution, unique: string): string {
  switch (execution.type) {
    case 'answered':
      return `,"response":{"status_code":200,"request_id":"req_${hashHex(unique, 24)}","body":${JSON.stringify(execution.body)}},"error":null}`
    case 'refused': {
      const body = JSON.stringify({ error: execution.error })
      return `,"response":{"status_code":${execution.status},"request_id":"req_${hashHex(unique, 24)}","body":${body}},"error":null}`
    }
    case 'unexecuted':
      return errorEnding(execution.code, execution.message)
    case 'empty':
      // As in https://github.com/tidyverse/ellmer/issues/830
      return ',"response":{"status_code":0,"request_id":"","body":{}},"error":null}'
    case 'lost':
      return '}'
  }
}

/** The rest of a line after its custom_id, for a request that was never executed. */
export function errorEnding(code: string, message: string): string {
  return `,"response":null,"error":${JSON.stringify({ code, message })}}`
}
