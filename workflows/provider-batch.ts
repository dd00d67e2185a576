import {
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
  type SignalDefinition,
} from '@temporalio/workflow'
import { jobWorkflowId } from '../core/job-id.ts'
import type { BatchStep } from '../activities/batch-step.ts'
import { databaseActivities, onProviderQueue } from './activity-proxies.ts'
import { admittedSignal, batchEndedSignal, batchPausedSignal, cancelSignal, pollSignal, resumeSignal } from './messages.ts'

/** What waits for a person is looked at again after this long: its signal may have gone to an earlier run. */
const lookAgainMs = 30 * 60_000

export interface ProviderBatchInput {
  jobId: string
  batch: number
  cancelRequested?: boolean
}

/**
 * One batch at a provider: admit → upload → submit (→ settle) → poll … → fetch → ended. Where it stands is in the database and comes back from
 * every activity, so any run of this workflow goes on from there; the history holds steps and waits, no data.
 */
export async function providerBatch({ jobId, batch, ...input }: ProviderBatchInput): Promise<void> {
  let cancelRequested = input.cancelRequested ?? false
  let isCancelSent = false
  let parts: readonly number[] = []
  let wakeups = 0
  const wake = () => void wakeups++
  const requestCancel = () => {
    cancelRequested = true
    wake()
  }
  setHandler(cancelSignal, requestCancel)
  for (const signal of [pollSignal, resumeSignal, admittedSignal]) setHandler(signal, wake)
  // Temporal's own cancel equals the signal.
  CancellationScope.current().cancelRequested.catch(requestCancel)

  await CancellationScope.nonCancellable(async () => {
    const key = { jobId, batch }
    const { queue, ...first } = await databaseActivities(`find batch ${batch}`).findStep(key)
    // A batch that was started again never got its job's signal.
    if (first.cancelRequested) cancelRequested = true
    let next: BatchStep = first
    let consumedWakeups = wakeups
    while (next.phase !== 'ended') {
      setCurrentDetails(`**${next.phase}** ${next.detail}`)
      if (next.cancelDue) cancelRequested = true
      if (next.waitMs !== 0 && !(next.cancelDue && !isCancelSent)) {
        const isWoken = () => wakeups > consumedWakeups
        // Every signal so far is consumed by the wait that follows it, so none can spin the loop.
        if (next.waitMs !== null) await condition(isWoken, next.waitMs, { summary: `batch ${batch}: until ${next.phase}` })
        else {
          await tellJob(batchPausedSignal)
          await condition(isWoken, lookAgainMs, { summary: `batch ${batch}: paused` })
        }
      }
      consumedWakeups = wakeups
      if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof providerBatch>({ jobId, batch, cancelRequested })
      next = await takeStep(next)
    }

    parts = next.parts ?? []

    async function takeStep({ phase, isSmall = false }: BatchStep): Promise<BatchStep> {
      const isTransfer = phase === 'upload' || phase === 'submit' || phase === 'fetch'
      const isCancelDue = phase === 'poll' && cancelRequested && !isCancelSent
      const asked = await onProviderQueue(
        queue,
        isTransfer && !isSmall ? 'transfers' : 'calls',
        `batch ${batch}: ${isCancelDue ? 'cancel' : phase}`,
        async (activities): Promise<BatchStep> => {
          switch (phase) {
            case 'admit':
              return await activities.admit(key)
            case 'upload':
              return await activities.upload(key)
            case 'submit':
              return await activities.submit(key)
            case 'settle':
              return await activities.settle(key)
            case 'poll':
              return isCancelDue ? await activities.cancelBatch(key) : await activities.poll(key)
            case 'fetch':
              return await activities.fetchResults(key)
            case 'ended':
              return { phase, waitMs: 0, detail: '' }
          }
        },
        () => databaseActivities(`batch ${batch}: no worker`).pauseUnserved(key),
      )
      if (isCancelDue) isCancelSent = asked.waitMs !== null
      return asked
    }
  })
  await tellJob(batchEndedSignal, batch, parts)

  /** The job may be gone, or may have read it from the database already. */
  async function tellJob<Args extends unknown[]>(signal: SignalDefinition<Args>, ...args: Args): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      try {
        await getExternalWorkflowHandle(jobWorkflowId(jobId)).signal(signal, ...args)
      } catch (error) {
        if (isCancellation(error)) throw error
      }
    })
  }
}
