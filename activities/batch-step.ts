import type { BatchStatus } from '../core/statuses.ts'
import type { Lane } from '../core/task-queues.ts'

/** What a batch's workflow does next. The database says so after every activity, so that any run can go on from anywhere. */
export type BatchPhase = 'admit' | 'upload' | 'submit' | 'settle' | 'poll' | 'fetch' | 'ended'

export interface BatchStep {
  readonly phase: BatchPhase
  /** Before the phase is entered; a signal ends the wait. Null: until a signal comes (the job is paused). */
  readonly waitMs: number | null
  /** One line for the Web UI. */
  readonly detail: string
  /** Of a transfer that moves no lines, or few: it need not wait behind those that move hundreds of megabytes. */
  readonly isSmall?: boolean
  /** The job is being cancelled, and the batch is not asked to end yet. */
  readonly cancelDue?: boolean
  /** Of a batch that has ended: batches that go on with its items in the same round. */
  readonly parts?: readonly number[]
}

/** Where the activities of a provider are run. */
export interface ProviderQueue extends Lane {
  /** What no worker has taken for this long may have no worker at all. */
  readonly unservedAfterMs: number
}

export function step(phase: BatchPhase, waitMs: number | null = 0, detail = ''): BatchStep {
  return { phase, waitMs, detail }
}

const transferPhases: readonly BatchPhase[] = ['upload', 'submit', 'fetch']
/** Far less than the pages that a transfer holds in memory. */
const fewBytes = 500_000
const fewItems = 500

/** The step with what a batch moves in it: a worker does few large transfers at once, for the memory that they take. */
export function withSize(
  next: BatchStep,
  { bytes, items, inputFileId }: { bytes: number; items: number; inputFileId: string | null },
): BatchStep {
  if (!isTransfer(next)) return next
  return { ...next, isSmall: (next.phase === 'submit' && inputFileId !== null) || (bytes <= fewBytes && items <= fewItems) }
}

export function isTransfer({ phase }: BatchStep): boolean {
  return transferPhases.includes(phase)
}

/** Where a batch in this status goes on. */
export function phaseOf(status: BatchStatus): BatchStep['phase'] {
  switch (status) {
    case 'planned':
      return 'admit'
    // `submit` looks at the submission's row first, and sends nothing that may have been sent.
    case 'submitting':
      return 'submit'
    case 'in_progress':
      return 'poll'
    case 'fetching':
      return 'fetch'
    case 'ended':
      return 'ended'
  }
}
