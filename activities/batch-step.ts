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
  /** This time the phase sends no lines, so that it need not wait behind transfers: a batch whose file is uploaded is on its way at once. */
  readonly isCall?: boolean
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
