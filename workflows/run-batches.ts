import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { ChildWorkflowCancellationType, ParentClosePolicy, sleep, startChild, workflowInfo } from '@temporalio/workflow'
import { batchWorkflowId } from '../core/job-id.ts'
import type { JobControl } from './job-control.ts'
import { cancelSignal, resumeSignal } from './messages.ts'
import { providerBatch } from './provider-batch.ts'

/** Batch workflows of one job that run at once. */
const windowSize = 100
/** When nothing has happened for this long, what is open is read from the database again. */
const lookAgainMs = 30 * 60_000
/** Before a batch whose workflow died (terminated by hand) is started again. */
const lostBatchPauseMs = 5000

/**
 * Runs these batches as child workflows, at most 100 at once, and returns when all have ended. A child that runs already, started by
 * an earlier run of this job, is adopted: its `batchEnded` signal reaches whoever has this workflow id. Returns early when the history
 * has grown long, or when nothing has happened for a while: what is open is then read from the database again.
 */
export async function runBatches(jobId: string, batches: readonly number[], control: JobControl): Promise<void> {
  const waiting = [...batches]
  const hasWork = () => waiting.length > 0 || control.hasParts()
  const isOver = () => control.openBatches === 0 && control.lostBatches === 0 && !hasWork()
  while (!isOver()) {
    // Parts of a refused batch don't wait for the batches beside it.
    waiting.push(...control.takeParts())
    const starting = waiting.splice(0, windowSize - control.openBatches)
    await Promise.all(starting.map((batch) => start(batch)))
    const isAwake = await control.waitUntil(
      () => isOver() || workflowInfo().continueAsNewSuggested || (hasWork() && control.openBatches < windowSize),
      { ms: lookAgainMs, summary: 'until batches end' },
    )
    if (!isAwake) control.forgetAdopted()
    if (!isAwake || workflowInfo().continueAsNewSuggested) return
  }

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
        async () => {
          control.batchLost(batch)
          await sleep(lostBatchPauseMs, { summary: `before batch ${batch} is started again` })
          control.batchFound(batch)
        },
      )
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      control.batchAdopted(batch)
      // What was asked before it was adopted went past it.
      if (control.isCancelled) await control.tellBatch(batch, cancelSignal)
      else if (control.hasResumed) await control.tellBatch(batch, resumeSignal)
    }
  }
}
