import { join } from 'node:path'
import { createAttemptCounter } from '../attempts.ts'
import type { BatchBill } from '../batch-bill.ts'
import { openRecorder, type Recorder } from '../journal.ts'
import type { ApiVersion, WireBatch } from './wire.ts'

export type ResultCounts = Omit<WireBatch['request_counts'], 'processing'>

/** A batch. Times are milliseconds, as everywhere in the simulator's own state. */
export interface StoredBatch {
  readonly id: string
  readonly key: string
  readonly version: ApiVersion
  readonly total: number
  /** Null if its requests have several models. */
  readonly model: string | null
  /** A custom_id of this batch, for lines that stray into another one. */
  readonly sampleCustomId: string
  readonly createdMs: number
  readonly expiresMs: number
  /** Made by the control endpoint as somebody else's. */
  readonly foreign: boolean
  /** 1 for the first batch, and so on: unlike the id the same in every run, for what the seed decides. */
  readonly number: number
  status: WireBatch['processing_status']
  cancelMs: number | null
  endedMs: number | null
  /** How many requests are done; fixed from `canceling` on. */
  finished: number
  counts: ResultCounts | null
  bill: BatchBill | null
  deleted: boolean
}

export type BatchCreated = Pick<
  StoredBatch,
  'id' | 'key' | 'version' | 'total' | 'model' | 'sampleCustomId' | 'createdMs' | 'expiresMs' | 'foreign'
>

export type StateEntry =
  | { readonly type: 'batch_created'; readonly batch: BatchCreated }
  | { readonly type: 'batch_canceling'; readonly id: string; readonly at: number; readonly finished: number }
  | {
      readonly type: 'batch_ended'
      readonly id: string
      readonly at: number
      readonly finished: number
      readonly counts: ResultCounts
      readonly bill: BatchBill
      readonly attempts: Readonly<Record<string, number>>
    }
  | { readonly type: 'batch_deleted'; readonly id: string }
  | { readonly type: 'attempt'; readonly fingerprint: string }

export interface AnthropicState extends Recorder<StateEntry> {
  /** In the order of creation, deleted ones included: they were paid. */
  readonly batches: ReadonlyMap<string, StoredBatch>
  /** How often prompts that fail a limited number of times were executed. */
  attemptsOf(fingerprint: string): number
}

/** Everything that survives a kill: a journal that is replayed on opening. */
export function openState(directory: string): AnthropicState {
  const batches = new Map<string, StoredBatch>()
  const attempts = createAttemptCounter()

  const apply = (entry: StateEntry): void => {
    if (entry.type === 'attempt') attempts.add({ [entry.fingerprint]: 1 })
    else if (entry.type === 'batch_created') batches.set(entry.batch.id, newBatch(entry.batch, batches.size + 1))
    else {
      const batch = batches.get(entry.id)
      if (batch !== undefined) applyToBatch(batch, entry)
      if (entry.type === 'batch_ended') attempts.add(entry.attempts)
    }
  }
  const recorder = openRecorder<StateEntry>(join(directory, 'journal.jsonl'), apply)
  return { batches, attemptsOf: (fingerprint) => attempts.attemptsOf(fingerprint), ...recorder }
}

function newBatch(created: BatchCreated, number: number): StoredBatch {
  return {
    ...created,
    number,
    status: 'in_progress',
    cancelMs: null,
    endedMs: null,
    finished: 0,
    counts: null,
    bill: null,
    deleted: false,
  }
}

function applyToBatch(batch: StoredBatch, entry: Exclude<StateEntry, { type: 'batch_created' | 'attempt' }>): void {
  switch (entry.type) {
    case 'batch_canceling':
      batch.status = 'canceling'
      batch.cancelMs = entry.at
      batch.finished = entry.finished
      return
    case 'batch_ended':
      batch.status = 'ended'
      batch.endedMs = entry.at
      batch.finished = entry.finished
      batch.counts = entry.counts
      batch.bill = entry.bill
      return
    case 'batch_deleted':
      batch.deleted = true
      return
  }
}
