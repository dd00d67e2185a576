import type OpenAI from 'openai'
import { join } from 'node:path'
import { createAttemptCounter } from '../attempts.ts'
import type { BatchBill } from '../batch-bill.ts'
import { openRecorder, type Recorder } from '../journal.ts'
import type { Endpoint, OnTheWire, WireBatch } from './wire.ts'

/** A stored file. Times are milliseconds, as everywhere in the simulator's own state. */
export interface StoredFile {
  readonly id: string
  readonly key: string
  readonly filename: string
  readonly purpose: OpenAI.FileObject['purpose']
  readonly bytes: number
  readonly createdMs: number
  readonly expiresMs: number | null
}

export type Times = {
  -readonly [Key in 'inProgress' | 'finalizing' | 'completed' | 'failed' | 'expired' | 'cancelling' | 'cancelled']?: number
}
export type EndedStatus = 'completed' | 'expired' | 'cancelled'

export interface StoredBatch {
  readonly id: string
  readonly key: string
  readonly endpoint: Endpoint
  readonly inputFileId: string
  readonly metadata: Record<string, string> | null
  readonly createdMs: number
  readonly expiresMs: number
  readonly outputExpiresSeconds: number | null
  /** 1 for the first batch, and so on: unlike the id the same in every run, for what the seed decides. */
  readonly number: number
  status: WireBatch['status']
  readonly times: Times
  model: string | null
  total: number
  /** Of the input, as estimated: what is enqueued until the batch ends. */
  inputTokens: number
  /** A custom_id of this batch, for lines that stray into another one. */
  sampleCustomId: string | null
  errors: OnTheWire<OpenAI.BatchError>[] | null
  /** How many requests are done; fixed from `cancelling` or `finalizing` on. */
  finished: number
  failedRequests: number
  outputFileId: string | null
  errorFileId: string | null
  bill: BatchBill | null
  /** Somebody was to be told of its end. */
  announced: boolean
}

export type BatchCreated = Pick<
  StoredBatch,
  'id' | 'key' | 'endpoint' | 'inputFileId' | 'metadata' | 'createdMs' | 'expiresMs' | 'outputExpiresSeconds'
>

/** How a batch ended. `announced`: somebody was to be told. */
export type BatchEnd = { readonly id: string; readonly at: number; readonly announced?: boolean } & (
  | { readonly type: 'batch_failed'; readonly errors: OnTheWire<OpenAI.BatchError>[] }
  | {
      readonly type: 'batch_ended'
      readonly status: EndedStatus
      readonly failedRequests: number
      readonly files: readonly StoredFile[]
      readonly outputFileId: string | null
      readonly errorFileId: string | null
      readonly bill: BatchBill
      readonly attempts: Readonly<Record<string, number>>
    }
)

export type StateEntry =
  | { readonly type: 'file_created'; readonly file: StoredFile }
  | { readonly type: 'file_deleted'; readonly id: string }
  | { readonly type: 'batch_created'; readonly batch: BatchCreated }
  | {
      readonly type: 'batch_started'
      readonly id: string
      readonly at: number
      readonly total: number
      readonly model: string
      readonly inputTokens: number
      readonly sampleCustomId: string | null
    }
  | { readonly type: 'batch_cancelling'; readonly id: string; readonly at: number; readonly finished: number }
  | { readonly type: 'batch_finalizing'; readonly id: string; readonly at: number; readonly finished: number }
  | BatchEnd
  | { readonly type: 'attempt'; readonly fingerprint: string }

export interface OpenaiState extends Recorder<StateEntry> {
  readonly files: ReadonlyMap<string, StoredFile>
  /** In the order of creation. */
  readonly batches: ReadonlyMap<string, StoredBatch>
  /** How often prompts that fail a limited number of times were executed. */
  attemptsOf(fingerprint: string): number
}

/** Everything that survives a kill: a journal that is replayed on opening. */
export function openState(directory: string): OpenaiState {
  const files = new Map<string, StoredFile>()
  const batches = new Map<string, StoredBatch>()
  const attempts = createAttemptCounter()

  const apply = (entry: StateEntry): void => {
    switch (entry.type) {
      case 'file_created':
        files.set(entry.file.id, entry.file)
        return
      case 'file_deleted':
        files.delete(entry.id)
        return
      case 'batch_created':
        batches.set(entry.batch.id, newBatch(entry.batch, batches.size + 1))
        return
      case 'attempt':
        attempts.add({ [entry.fingerprint]: 1 })
        return
      default: {
        const batch = batches.get(entry.id)
        if (batch !== undefined) applyToBatch(batch, entry)
        if (entry.type !== 'batch_ended') return
        for (const file of entry.files) files.set(file.id, file)
        attempts.add(entry.attempts)
      }
    }
  }

  const recorder = openRecorder<StateEntry>(join(directory, 'journal.jsonl'), apply)
  return { files, batches, attemptsOf: (fingerprint) => attempts.attemptsOf(fingerprint), ...recorder }
}

function newBatch(created: BatchCreated, number: number): StoredBatch {
  return {
    ...created,
    number,
    status: 'validating',
    times: {},
    model: null,
    total: 0,
    inputTokens: 0,
    sampleCustomId: null,
    errors: null,
    finished: 0,
    failedRequests: 0,
    outputFileId: null,
    errorFileId: null,
    bill: null,
    announced: false,
  }
}

type BatchEntry = Exclude<StateEntry, { type: 'file_created' | 'file_deleted' | 'batch_created' | 'attempt' }>

function applyToBatch(batch: StoredBatch, entry: BatchEntry): void {
  switch (entry.type) {
    case 'batch_started':
      batch.status = 'in_progress'
      batch.times.inProgress = entry.at
      batch.total = entry.total
      batch.model = entry.model
      batch.inputTokens = entry.inputTokens
      batch.sampleCustomId = entry.sampleCustomId
      return
    case 'batch_failed':
      batch.status = 'failed'
      batch.times.failed = entry.at
      batch.errors = entry.errors
      batch.announced = entry.announced ?? false
      return
    case 'batch_cancelling':
      batch.status = 'cancelling'
      batch.times.cancelling = entry.at
      batch.finished = entry.finished
      return
    case 'batch_finalizing':
      batch.status = 'finalizing'
      batch.times.finalizing = entry.at
      batch.finished = entry.finished
      return
    case 'batch_ended':
      batch.status = entry.status
      batch.times[entry.status] = entry.at
      batch.failedRequests = entry.failedRequests
      batch.outputFileId = entry.outputFileId
      batch.errorFileId = entry.errorFileId
      batch.bill = entry.bill
      batch.announced = entry.announced ?? false
      return
  }
}

/** No more work is done on it. */
export function isTerminal(status: WireBatch['status']): status is EndedStatus | 'failed' {
  return status === 'completed' || status === 'failed' || status === 'expired' || status === 'cancelled'
}
