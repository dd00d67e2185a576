import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow'
import type { ProviderQueue } from '../activities/batch-step.ts'
import type { EndedJob, RetryRequest, RoundToRun } from '../activities/job.ts'
import { afterJobActivities, databaseActivities, notifyActivities, onProviderQueue } from './activity-proxies.ts'
import { JobControl } from './job-control.ts'
import { runBatches } from './run-batches.ts'

export interface BatchJobInput {
  jobId: string
  /** Asked of the run before this one. */
  retry?: RetryRequest | null
}

/**
 * One job, from its first round to its end. It derives everything from Postgres by `jobId`, so a new run – after a crash, a
 * continue-as-new, a `retry` – adopts every open batch and submission before it plans anything. Each batch is a child workflow.
 */
export async function batchJob({ jobId, retry = null }: BatchJobInput): Promise<EndedJob | null> {
  const control = new JobControl(jobId, retry)
  // Cancelling a job is work of its own: it ends when the provider's batches have, with their finished answers kept.
  CancellationScope.current().cancelRequested.catch(() => control.receive('cancel'))
  return await CancellationScope.nonCancellable(async () => {
    const jobs = (summary: string) => databaseActivities(summary)
    let ended: EndedJob | null = null
    try {
      for (;;) {
        const retry = control.takeRetry()
        const begun = await jobs('begin').beginJob({ jobId, retry, requestId: uuid4() })
        // The same again, while the first was obeyed, asks for nothing more.
        if (retry !== null) control.dropRetry(retry)
        if (!begun.hasWork) return ended
        control.start(begun)

        for (;;) {
          const round = await planRound(begun.queue)
          control.showStatus(round.status)
          if (round.waitMs === null) await control.waitForResume()
          else if (round.batches.length === 0) break
          else {
            control.show(`round ${round.round}: ${round.batches.length} batches`)
            await control.waitBeforeRound(round.waitMs)
            await runBatches(jobId, round.batches, control)
          }
          if (workflowInfo().continueAsNewSuggested) {
            await control.obeyAll()
            await continueAsNew<typeof batchJob>({ jobId, retry: control.takeRetry() })
          }
        }
        if (control.hasRetry()) continue

        ended = await jobs('finalize').finalize({ jobId, openings: begun.openings })
        control.end(ended.status)
        const after = Promise.allSettled([
          notifyActivities().notify({ jobId }),
          afterJobActivities(begun.queue).deleteProviderFiles({ jobId }),
        ])
        // A webhook that is down must not hold up a retry.
        await Promise.race([after, condition(() => control.hasRetry())])
        if (!control.hasRetry()) return ended
      }

      /** By a worker that has the provider's limits. A cancelled job plans nothing more, so any worker will do. */
      async function planRound(queue: ProviderQueue): Promise<RoundToRun> {
        const onMain = () => jobs('plan the next round').planRound({ jobId })
        if (control.isCancelled) return await onMain()
        return await onProviderQueue(
          queue,
          'calls',
          'plan the next round',
          (activities) => activities.planRound({ jobId }),
          onMain,
        )
      }
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error
      const failure = error.cause instanceof ApplicationFailure ? error.cause : null
      const [code, message] = [failure?.type ?? 'internal', failure?.message ?? error.message]
      await jobs('fail').failJob({ jobId, code, message })
      control.end('failed')
      const notified = Promise.allSettled([notifyActivities().notify({ jobId })])
      // A webhook that is down must not swallow a retry.
      await Promise.race([notified, condition(() => control.hasRetry())])
      if (control.hasRetry()) await continueAsNew<typeof batchJob>({ jobId, retry: control.takeRetry() })
      throw ApplicationFailure.nonRetryable(message, code)
    }
  })
}
