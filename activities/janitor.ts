import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client'
import { describeError } from '../core/errors.ts'
import { batchWorkflowId, jobWorkflowId, parseWorkflowId } from '../core/job-id.ts'
import { mainTaskQueue } from '../core/task-queues.ts'
import { isTerminalJobStatus } from '../core/statuses.ts'
import { listOpenBatches } from '../db/batches.ts'
import { appendEvent } from '../db/job-events.ts'
import { failJob, loadJob } from '../db/job-state.ts'
import { finishDeletions } from '../db/jobs.ts'
import { removeStaleUploads } from '../db/uploads.ts'
import { listPossibleTwins } from '../db/submissions.ts'
import {
  listOpenJobs,
  listOrphanedBatches,
  listQuietBatches,
  listStuckQueuedJobs,
  sweepLeases,
  type QueuedJob,
} from '../db/sweep.ts'
import type { ProviderBatch } from '../providers/provider.ts'
import { lookUp } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { toFailure } from './failures.ts'
import { cancellationSignal } from './heartbeat.ts'
import { cancelTwin } from './settle.ts'

/** The API starts a job's workflow itself; the janitor only what has waited this long. */
const stuckQueuedMs = 10_000
/** A batch whose poll is overdue by this much has lost its workflow, or its provider is down. */
const quietMs = 10 * 60_000
/** An upload whose process died is given up after this long. */
const staleUploadMs = 5 * 60_000
/** Batches live for 48 hours at most at any provider, so a twin can't appear later. */
const twinWindowMs = 48 * 3_600_000
/** Workflows closed against our will are looked for this far back: visibility is eventually consistent. */
const closedWindowMs = 10 * 60_000

export function createJanitorActivities(dependencies: ActivityDependencies) {
  const { database, providers, workflows, logger } = dependencies
  return {
    /** One sweep of the database. A full one checks the workflow of every open job. */
    async sweep({ isFull }: { isFull: boolean }): Promise<{ providers: string[]; summary: string }> {
      try {
        let started = 0
        for (const job of await listStuckQueuedJobs(database, stuckQueuedMs)) started += (await startWorkflow(job)) ? 1 : 0
        if (isFull) started += await checkOpenJobs()
        const closed = await noticeClosedWorkflows()
        const revived = await reviveQuietBatches()
        const swept = await sweepLeases(database)
        const removed = (await removeStaleUploads(database, staleUploadMs)) + (await finishDeletions(database))
        const summary = `${started} workflows started, ${closed} found closed, ${revived} batches revived, ${swept} leases and tickets swept, ${removed} broken uploads and deletions finished`
        if (started + closed + revived + swept + removed > 0)
          logger.info({ started, closed, revived, swept, removed }, 'janitor mended something')
        return { providers: providers.names(), summary }
      } catch (error) {
        throw toFailure(error)
      }
    },

    /** Cancels batches of ours at one provider that nobody waits for. */
    async sweepProvider({ provider: name }: { provider: string }): Promise<void> {
      const provider = providers.find(name)
      if (provider === null) return
      const signal = cancellationSignal()
      try {
        for (const { jobId, batch, providerBatchId } of await listOrphanedBatches(database, name, provider.simulated)) {
          if (providerBatchId !== null) {
            const remote: ProviderBatch | null = await lookUp(() => provider.retrieve(providerBatchId, signal))
            if (remote?.status === 'in_progress') {
              await provider.cancel(providerBatchId, signal)
              await appendEvent(database.drizzle, jobId, 'orphan_cancelled', { batch, provider_batch_id: providerBatchId })
            }
          }
          // What is finished was paid for: the batch's own workflow fetches it and ends the batch.
          await restartBatch(jobId, batch)
        }
        const twins = await listPossibleTwins(database, name, provider.simulated, new Date(Date.now() - twinWindowMs))
        const oldest = twins.at(-1)
        if (oldest === undefined) return
        const byMarker = new Map(twins.map((submission) => [submission.inputFileId, submission]))
        for await (const remote of provider.list(new Date(oldest.intendedAt.getTime() - 60_000), signal)) {
          const submission = remote.marker === null ? undefined : byMarker.get(remote.marker)
          if (submission !== undefined) await cancelTwin(dependencies, provider, submission, remote, signal)
        }
      } catch (error) {
        throw toFailure(error)
      }
    },
  }

  async function startWorkflow(job: QueuedJob): Promise<boolean> {
    try {
      await workflows.start('batchJob', {
        taskQueue: mainTaskQueue,
        workflowId: jobWorkflowId(job.id),
        args: [{ jobId: job.id }],
        staticSummary: job.name ?? job.id,
      })
      return true
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false
      throw error
    }
  }

  /** Temporal may have been set up anew under a database that was kept, or a workflow was closed while nobody looked. */
  async function checkOpenJobs(): Promise<number> {
    let mended = 0
    for await (const page of listOpenJobs(database)) {
      for (const job of page) {
        const status = await statusOf(jobWorkflowId(job.id))
        if (status === 'RUNNING') continue
        const isClosedByForce = status === 'TERMINATED' || status === 'FAILED' || status === 'TIMED_OUT'
        if (isClosedByForce ? await markTerminated(job.id) : await startWorkflow(job)) mended += 1
      }
    }
    return mended
  }

  /** Null: there is no such workflow. */
  async function statusOf(workflowId: string): Promise<string | null> {
    try {
      return (await workflows.getHandle(workflowId).describe()).status.name
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null
      throw error
    }
  }

  /** A workflow that was terminated (or failed for good) leaves a job that would be open for ever. */
  async function noticeClosedWorkflows(): Promise<number> {
    const since = new Date(Date.now() - closedWindowMs).toISOString()
    let noticed = 0
    const query = `ExecutionStatus IN ("Terminated", "Failed", "TimedOut") AND WorkflowType IN ("batchJob", "providerBatch") AND CloseTime > "${since}"`
    for await (const execution of workflows.list({ query })) {
      const ours = parseWorkflowId(execution.workflowId)
      if (ours === null) continue
      const { status } = await workflows.getHandle(execution.workflowId).describe()
      if (status.name === 'RUNNING') continue
      noticed += (ours.batch === null ? await markTerminated(ours.jobId) : await restartBatch(ours.jobId, ours.batch)) ? 1 : 0
    }
    return noticed
  }

  async function markTerminated(jobId: string): Promise<boolean> {
    try {
      const job = await loadJob(database.drizzle, jobId)
      if (isTerminalJobStatus(job.status)) return false
      await failJob(
        database,
        jobId,
        'workflow_terminated',
        'its workflow was terminated; `retry` starts it again and keeps what is answered',
      )
      return true
    } catch (error) {
      logger.warn({ jobId, error: describeError(error) }, 'the job of a terminated workflow could not be marked')
      return false
    }
  }

  async function reviveQuietBatches(): Promise<number> {
    let revived = 0
    for (const { jobId, batch } of await listQuietBatches(database, quietMs))
      revived += (await restartBatch(jobId, batch)) ? 1 : 0
    return revived
  }

  /** Starts a batch's workflow again; the one that runs is left alone. */
  async function restartBatch(jobId: string, batch: number): Promise<boolean> {
    try {
      const open = await listOpenBatches(database.drizzle, jobId)
      if (!open.some((row) => row.batch === batch)) return false
      await workflows.start('providerBatch', {
        taskQueue: mainTaskQueue,
        workflowId: batchWorkflowId(jobId, batch),
        args: [{ jobId, batch }],
      })
      return true
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError))
        logger.warn({ jobId, batch, error: describeError(error) }, 'a batch without a workflow could not be started')
      return false
    }
  }
}
