import { defineSignal } from '@temporalio/workflow'

/*
 * All signals, by the plain names that `temporal workflow signal` and the Web UI take.
 */

/** To a job: what runs is cancelled at the provider, its finished answers are kept. To a batch: the same for one batch. */
export const cancelSignal = defineSignal('cancel')
/** Submits nothing new; what runs is paid for, and is polled and fetched. */
export const pauseSignal = defineSignal('pause')
export const resumeSignal = defineSignal('resume')
/** Polls every open batch now. */
export const pollSignal = defineSignal('poll')
/** Sends what did not succeed again; `{"classes": ["refusal"]}` chooses. On a closed job, starts it again. */
export const retrySignal = defineSignal<[{ classes?: string[] }?]>('retry')

/** From a batch to its job: its end is in the database. With the batches that go on with its items, if it was split. */
export const batchEndedSignal = defineSignal<[number, (readonly number[])?]>('batchEnded')
/** From a batch to its job: the job was paused, and says so itself. */
export const batchPausedSignal = defineSignal('batchPaused')
/** To a batch: it has room at the provider now. */
export const admittedSignal = defineSignal('admitted')
