import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { ChildWorkflowCancellationType, ParentClosePolicy, sleep, startChild, workflowInfo } from '@temporalio/workflow'
import { batchWorkflowId } from '../core/job-id.ts'
import type { JobControl } from './job-control.ts'
import { providerBatch } from './provider-batch.ts'

/** Batch workflows of one job that run at once. */
const windowSize = 100
/** What is open is read from the database again after this long: a batch that was adopted may have been terminated without a word. */
const lookAgainMs = 30 * 60_000
/** Before the batches of a workflow that died (terminated by hand) are looked at again. */
const lostBatchPauseMs = 5000

/**
 * Runs these batches as child workflows, at most 100 at once, and returns when all have ended. A child that runs already, started by
 * an earlier run of this job, is adopted: its `batchEnded` signal reaches whoever has this workflow id. Returns early when the history
 * has grown long: the next run reads what is open from the database.
 */
export async function runBatches(jobId: string, batches: readonly number[], control: JobControl): Promise<void> {
  const waiting = [...batches]
  let isLost = false
  while (waiting.length > 0) {
    const starting = waiting.splice(0, windowSize - control.openBatches)
    await Promise.all(starting.map((batch) => start(batch)))
    await control.waitUntil(() => control.openBatches < windowSize, lookAgainMs)
    if (workflowInfo().continueAsNewSuggested) return
  }
  await control.waitUntil(() => control.openBatches === 0 || workflowInfo().continueAsNewSuggested, lookAgainMs)
  if (isLost) await sleep(lostBatchPauseMs)

  async function start(batch: number): Promise<void> {
    if (!control.batchStarted(batch)) return
    try {
      const child = await startChild(providerBatch, {
        workflowId: batchWorkflowId(jobId, batch),
        args: [{ jobId, batch }],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
        staticSummary: `batch ${batch}`,
      })
      child.result().then(
        () => control.batchEnded(batch),
        () => {
          isLost = true
          control.batchLost(batch)
        },
      )
    } catch (error) {
      // It runs already: adopted.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    }
  }
}
