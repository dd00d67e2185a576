import {
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { jobWorkflowId } from '../core/job-id.ts'
import type { BatchStep } from '../activities/batch-step.ts'
import { databaseActivities, providerActivities } from './activity-proxies.ts'
import { admittedSignal, batchEndedSignal, cancelSignal, pollSignal, resumeSignal } from './messages.ts'

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
    const { provider, ...first } = await databaseActivities(`find batch ${batch}`).findStep(key)
    // A batch that was started again never got its job's signal.
    if (first.cancelRequested) cancelRequested = true
    let next: BatchStep = first
    let consumedWakeups = wakeups
    while (next.phase !== 'ended') {
      setCurrentDetails(`**${next.phase}** ${next.detail}`)
      if (next.waitMs !== 0) {
        const isWoken = () => wakeups > consumedWakeups
        // Every signal so far is consumed by the wait that follows it, so none can spin the loop.
        if (next.waitMs === null) await condition(isWoken)
        else await condition(isWoken, next.waitMs)
      }
      consumedWakeups = wakeups
      if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof providerBatch>({ jobId, batch, cancelRequested })
      next = await takeStep(next)
    }

    async function takeStep({ phase }: BatchStep): Promise<BatchStep> {
      const onProvider = providerActivities(provider, `batch ${batch}: ${phase}`)
      switch (phase) {
        case 'admit':
          return await databaseActivities(`batch ${batch}: admit`).admit(key)
        case 'upload':
          return await onProvider.upload(key)
        case 'submit':
          return await onProvider.submit(key)
        case 'settle':
          return await onProvider.settle(key)
        case 'poll':
          if (cancelRequested && !isCancelSent) {
            const asked = await providerActivities(provider, `batch ${batch}: cancel`).cancelBatch(key)
            isCancelSent = asked.waitMs !== null
            return asked
          }
          return await onProvider.poll(key)
        case 'fetch':
          return await onProvider.fetchResults(key)
        case 'ended':
          return { phase, waitMs: 0, detail: '' }
      }
    }
  })
  await tellJob(jobId, batch)
}

/** The job may be gone, or may have read the batch's end from its row already. */
async function tellJob(jobId: string, batch: number): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    try {
      await getExternalWorkflowHandle(jobWorkflowId(jobId)).signal(batchEndedSignal, batch)
    } catch (error) {
      if (isCancellation(error)) throw error
    }
  })
}
