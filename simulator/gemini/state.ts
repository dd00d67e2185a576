import { join } from 'node:path'
import { createAttemptCounter } from '../attempts.ts'
import type { BatchBill } from '../batch-bill.ts'
import { openRecorder, type Recorder } from '../journal.ts'
import type { BatchMethod, BatchState, WireFile, WireStatus } from './wire.ts'

/** A stored file. Times are milliseconds, as everywhere in the simulator's own state. */
export interface StoredFile {
  /** Without `files/`. */
  readonly id: string
  readonly key: string
  readonly displayName: string | null
  readonly mimeType: string
  readonly bytes: number
  readonly sha256: string
  readonly source: Extract<WireFile['source'], 'UPLOADED' | 'GENERATED'>
  readonly createdMs: number
}

/** A resumable upload that is under way; how much of it came is the size of its file. */
export interface Upload {
  readonly id: string
  readonly fileId: string
  readonly key: string
  readonly displayName: string | null
  readonly mimeType: string
  /** As announced; null if it wasn't. */
  readonly bytes: number | null
}

export interface ResultCounts {
  readonly succeeded: number
  readonly failed: number
}

export type EndedState = Exclude<BatchState, 'BATCH_STATE_PENDING' | 'BATCH_STATE_RUNNING'>

export interface StoredBatch {
  /** Without `batches/`. */
  readonly id: string
  readonly key: string
  readonly method: BatchMethod
  /** Without `models/`. */
  readonly model: string
  readonly displayName: string | null
  /** Null: the requests came with the create. */
  readonly inputFileId: string | null
  readonly total: number
  /** Of the input: what is enqueued until the batch ends. */
  readonly inputTokens: number
  /** What is wrong with the input as a whole: the batch will fail. */
  readonly problem: string | null
  /** A key of this batch, for lines that stray into another one. */
  readonly sampleKey: string | null
  readonly createdMs: number
  readonly expiresMs: number
  /** Its create named addresses of its own for its end: those registered for the project are not told. */
  readonly hasOwnWebhooks: boolean
  /** 1 for the first batch, and so on: unlike the id the same in every run, for what the seed decides. */
  readonly number: number
  state: BatchState
  startedMs: number | null
  cancelMs: number | null
  endedMs: number | null
  /** How many requests are done; fixed from a cancel on. */
  finished: number
  counts: ResultCounts | null
  error: WireStatus | null
  /** Whether the results lie in a file of the API, or come with the batch. */
  resultsInline: boolean
  bill: BatchBill | null
  /** Somebody was to be told of its end. */
  announced: boolean
  deleted: boolean
}

export type BatchCreated = Pick<
  StoredBatch,
  | 'id'
  | 'key'
  | 'method'
  | 'model'
  | 'displayName'
  | 'inputFileId'
  | 'total'
  | 'inputTokens'
  | 'problem'
  | 'sampleKey'
  | 'createdMs'
  | 'expiresMs'
  | 'hasOwnWebhooks'
>

export interface BatchEnded {
  readonly type: 'batch_ended'
  readonly id: string
  readonly at: number
  readonly state: EndedState
  readonly finished: number
  readonly counts: ResultCounts | null
  readonly error: WireStatus | null
  /** Null: the results come with the batch, or there are none. */
  readonly resultsFile: StoredFile | null
  readonly bill: BatchBill
  readonly attempts: Readonly<Record<string, number>>
  readonly announced?: boolean
}

type BatchEntry =
  | { readonly type: 'batch_started'; readonly id: string; readonly at: number }
  | { readonly type: 'batch_cancelling'; readonly id: string; readonly at: number; readonly finished: number }
  | BatchEnded
  | { readonly type: 'batch_deleted'; readonly id: string }

export type StateEntry =
  | BatchEntry
  | { readonly type: 'upload_started'; readonly upload: Upload }
  | { readonly type: 'upload_cancelled'; readonly id: string }
  | { readonly type: 'file_created'; readonly file: StoredFile; readonly uploadId: string }
  | { readonly type: 'file_deleted'; readonly id: string }
  | { readonly type: 'batch_created'; readonly batch: BatchCreated }
  | { readonly type: 'attempt'; readonly fingerprint: string }

export interface GeminiState extends Recorder<StateEntry> {
  readonly files: ReadonlyMap<string, StoredFile>
  /** Open ones by their id. */
  readonly uploads: ReadonlyMap<string, Upload>
  /** Ended ones: which file came of them. */
  readonly finishedUploads: ReadonlyMap<string, string>
  /** In the order of creation, deleted ones included: they were paid. */
  readonly batches: ReadonlyMap<string, StoredBatch>
  /** How often prompts that fail a limited number of times were executed. */
  attemptsOf(fingerprint: string): number
}

/** Everything that survives a kill: a journal that is replayed on opening. */
export function openState(directory: string): GeminiState {
  const files = new Map<string, StoredFile>()
  const uploads = new Map<string, Upload>()
  const finishedUploads = new Map<string, string>()
  const batches = new Map<string, StoredBatch>()
  const attempts = createAttemptCounter()

  const apply = (entry: StateEntry): void => {
    switch (entry.type) {
      case 'upload_started':
        uploads.set(entry.upload.id, entry.upload)
        return
      case 'upload_cancelled':
        uploads.delete(entry.id)
        return
      case 'file_created':
        files.set(entry.file.id, entry.file)
        uploads.delete(entry.uploadId)
        finishedUploads.set(entry.uploadId, entry.file.id)
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
        if (entry.resultsFile !== null) files.set(entry.resultsFile.id, entry.resultsFile)
        attempts.add(entry.attempts)
      }
    }
  }

  const recorder = openRecorder<StateEntry>(join(directory, 'journal.jsonl'), apply)
  return {
    files,
    uploads,
    finishedUploads,
    batches,
    attemptsOf: (fingerprint) => attempts.attemptsOf(fingerprint),
    ...recorder,
  }
}

function newBatch(created: BatchCreated, number: number): StoredBatch {
  return {
    ...created,
    number,
    state: 'BATCH_STATE_PENDING',
    startedMs: null,
    cancelMs: null,
    endedMs: null,
    finished: 0,
    counts: null,
    error: null,
    resultsInline: false,
    bill: null,
    announced: false,
    deleted: false,
  }
}

function applyToBatch(batch: StoredBatch, entry: BatchEntry): void {
  switch (entry.type) {
    case 'batch_started':
      batch.state = 'BATCH_STATE_RUNNING'
      batch.startedMs = entry.at
      return
    case 'batch_cancelling':
      batch.cancelMs = entry.at
      batch.finished = entry.finished
      return
    case 'batch_ended':
      batch.state = entry.state
      batch.endedMs = entry.at
      batch.finished = entry.finished
      batch.counts = entry.counts
      batch.error = entry.error
      batch.resultsInline = entry.resultsFile === null
      batch.bill = entry.bill
      batch.announced = entry.announced ?? false
      return
    case 'batch_deleted':
      batch.deleted = true
      return
  }
}

/** No more work is done on it. */
export function isOver({ state }: Pick<StoredBatch, 'state'>): boolean {
  return state !== 'BATCH_STATE_PENDING' && state !== 'BATCH_STATE_RUNNING'
}

/** Whether a batch that isn't over reads the file. */
export function isNeeded(inputFileId: string, { batches }: Pick<GeminiState, 'batches'>): boolean {
  return [...batches.values()].some((batch) => batch.inputFileId === inputFileId && !isOver(batch))
}
