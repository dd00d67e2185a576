import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client'
import { describeError } from '../core/errors.ts'
import { janitorWorkflowId } from '../core/job-id.ts'
import { mainTaskQueue } from '../core/task-queues.ts'
import type { Logger } from '../activities/index.ts'

export const janitorIntervalMs = 30_000

/** Starts the janitor where it is missing; its fixed id keeps it alone. */
export async function ensureJanitor(
  workflows: WorkflowClient,
  logger: Logger,
  intervalMs: number = janitorIntervalMs,
): Promise<void> {
  try {
    await workflows.start('janitor', {
      taskQueue: mainTaskQueue,
      workflowId: janitorWorkflowId,
      args: [{ intervalMs }],
      staticSummary: 'starts and mends what nobody else can',
    })
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return
    logger.warn({ error: describeError(error) }, 'the janitor could not be started; trying again in a minute')
  }
}
