import { statSync } from 'node:fs'
import type { BilledRequest } from '../books.ts'
import { decideItemFault, refusedLineDirective } from '../item-faults.ts'
import { lineGroups } from '../line-reader.ts'
import { itemFaultRules, type RuntimeOptions } from '../options.ts'
import { costNanoDollars, knownPrice, openaiPrices } from '../prices.ts'
import { hashHex, hashNumber, shuffledIndexes } from '../random.ts'
import { createSpool, type Spool } from '../spool.ts'
import type { Usage } from './answer.ts'
import { isBatchError, readBatchLine, type BatchError, type BatchLine, type SeenLines } from './batch-line.ts'
import { execute, type Execution } from './execution.ts'
import { readPrompt, type Prompt } from './prompt.ts'
import type { StoredBatch } from './state.ts'

/** Where a finished line goes: the output file, the error file, or nowhere. */
export type LineFate = 'output' | 'error' | 'lost'

/** One request of a batch: its rendered result and its bill lie in the spool, one after the other. */
export interface PreparedLine {
  readonly offset: number
  /** The bytes up to and including the custom_id, for lines that get another ending. */
  readonly prefixBytes: number
  readonly lineBytes: number
  readonly billBytes: number
  readonly fate: LineFate
  readonly usage: Usage | null
  readonly costNanoUsd: number
  /** Set if executing it counts as an attempt of a prompt with a limited fault. */
  readonly countedFingerprint: string | null
}

export interface PreparedBatch {
  readonly model: string
  readonly inputTokens: number
  readonly sampleCustomId: string
  readonly lines: readonly PreparedLine[]
  /** In which order the lines finish. */
  readonly order: Uint32Array
  readonly spool: Spool
}

export interface Preparation {
  readonly batch: StoredBatch
  readonly options: RuntimeOptions
  readonly seed: number
  readonly inputPath: string
  readonly spoolPath: string
  readonly attemptsOf: (fingerprint: string) => number
}

const mostErrors = 100
/** Documented on `BatchCreateParams.endpoint` in the SDK. */
const mostEmbeddingInputs = 50_000

/**
 * Reads the input file once: checks every line and, while it is parsed, works out what will come of it. What finishes later only has to be copied, in any
 * order, so that a batch of 200 MB is parsed a single time and never lies in memory. The same file gives the same result again after a restart.
 */
export async function prepareBatch(preparation: Preparation): Promise<PreparedBatch | BatchError[]> {
  const { batch, options, inputPath, seed } = preparation
  const bytes = statSync(inputPath).size
  if (bytes > options.max_batch_bytes) {
    const message = `The batch input file is too large: ${bytes} bytes. The limit is ${options.max_batch_bytes} bytes.`
    return [wholeFileError('file_too_large', message)]
  }
  const spool = createSpool(preparation.spoolPath)
  const errors: BatchError[] = []
  const seen: SeenLines = { customIds: new Set(), model: null }
  const rules = {
    endpoint: batch.endpoint,
    isKnownModel: (model: string) => !options.refuse_unknown_models || knownPrice(openaiPrices, model) !== null,
  }
  const prepareLine = lineRenderer(preparation, spool)
  const lines: PreparedLine[] = []
  let lineNumber = 0
  let inputTokens = 0
  let embeddingInputs = 0
  let sampleCustomId = ''
  for await (const group of lineGroups(inputPath)) {
    for (const text of group) {
      lineNumber++
      if (text.trim() === '') continue
      if (seen.customIds.size >= options.max_requests) {
        spool.discard()
        return [wholeFileError('too_many_tasks', `The batch input file contains more than ${options.max_requests} requests.`)]
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
  const order = options.quirks.random_order
    ? shuffledIndexes(lines.length, hashNumber(`${seed}:${batch.number}`))
    : Uint32Array.from(lines, (_line, index) => index)
  return { model: seen.model ?? '', inputTokens, sampleCustomId, lines, order, spool }
}

function refusedLine(line: number): BatchError {
  return { code: 'invalid_request', message: 'This line was refused, as its prompt asked for.', param: 'body', line }
}

function wholeFileError(code: string, message: string): BatchError {
  return { code, message, param: null, line: null }
}

type LineRenderer = (line: BatchLine, prompt: Prompt, text: string, lineNumber: number) => PreparedLine

function lineRenderer({ batch, options, seed, attemptsOf }: Preparation, spool: Spool): LineRenderer {
  const faultRules = itemFaultRules(options)
  // A prompt that is in the batch twice fails its limited number of times in all, not for each line.
  const attemptsHere = new Map<string, number>()
  const createdSeconds = Math.floor(batch.createdMs / 1000)

  return (line, prompt, text, lineNumber) => {
    const { fingerprint } = prompt
    const attempts = attemptsOf(fingerprint) + (attemptsHere.get(fingerprint) ?? 0)
    const { fault, counted } = decideItemFault(faultRules, seed, fingerprint, text, attempts)
    if (counted) attemptsHere.set(fingerprint, (attemptsHere.get(fingerprint) ?? 0) + 1)
    const unique = `${batch.id}:${lineNumber}`
    const execution = execute(batch.endpoint, line.body, prompt, fault, { unique, createdSeconds }, options.strict_parameters)
    const prefix = `{"id":"batch_req_${hashHex(unique, 32)}","custom_id":${JSON.stringify(line.customId)}`
    const usage = execution.type === 'answered' || execution.type === 'lost' ? execution.usage : null
    const cost =
      usage === null ? 0n : costNanoDollars(knownPrice(openaiPrices, line.model), usage.inputTokens, usage.outputTokens, true)
    const billed: BilledRequest = {
      provider: 'openai',
      via: 'batch',
      key: batch.key,
      batch_id: batch.id,
      custom_id: line.customId,
      fingerprint,
      endpoint: batch.endpoint,
      model: line.model,
      status_code: execution.type === 'refused' ? execution.status : usage === null ? 0 : 200,
      billed: usage !== null,
      delivered: execution.type !== 'lost',
      input_tokens: usage?.inputTokens ?? 0,
      output_tokens: usage?.outputTokens ?? 0,
      reasoning_tokens: usage?.reasoningTokens ?? 0,
      cost_nano_usd: String(cost),
      fault: fault?.kind ?? null,
    }
    const bill = `${JSON.stringify(billed)}\n`
    const offset = spool.append(`${prefix}${lineEnding(execution, unique)}\n${bill}`)
    const billBytes = Buffer.byteLength(bill)
    return {
      offset,
      prefixBytes: Buffer.byteLength(prefix),
      lineBytes: spool.lastLength - billBytes,
      billBytes,
      fate: fateOf(execution),
      usage,
      costNanoUsd: Number(cost),
      countedFingerprint: counted ? fingerprint : null,
    }
  }
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
