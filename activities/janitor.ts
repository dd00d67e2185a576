import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client'
import { BatchwrightError, describeError } from '../core/errors.ts'
import { batchWorkflowId, jobWorkflowId, parseWorkflowId } from '../core/job-id.ts'
import { isTerminalJobStatus } from '../core/statuses.ts'
import { mainTaskQueue, type Lane } from '../core/task-queues.ts'
import { loadBatch } from '../db/batches.ts'
import { appendEvent } from '../db/job-events.ts'
import { failJob, loadJob } from '../db/job-state.ts'
import { deleteEndedJobs, deleteStaleDrafts, finishDeletions } from '../db/job-deletion.ts'
import { isProvisional } from '../db/submissions.ts'
import { removeStaleUploads } from '../db/uploads.ts'
import {
  listBatchesUnderWay,
  listOpenJobs,
  listOrphanedBatches,
  listStuckQueuedJobs,
  sweepLeases,
  type OrphanedBatch,
  type QueuedJob,
} from '../db/sweep.ts'
import { listServedLanes } from '../db/workers.ts'
import type { Provider } from '../providers/provider.ts'
import { notifyOfEnd } from './after-job.ts'
import { lookUp } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { toFailure } from './failures.ts'
import { cancellationSignal } from './heartbeat.ts'
import { tellGranted } from './room.ts'
import { removeAbandonedSpools } from './spool.ts'
import { createTwinWatch, type Attempt } from './twins.ts'

/** The API starts a job's workflow itself; the janitor only what has waited this long. */
const stuckQueuedMs = 10_000
/** An upload whose process died is given up after this long. */
const staleUploadMs = 5 * 60_000
/** Of jobs that are gone: a second or two of a sweep, which has other things to do. */
const deletedRowsPerSweep = 200_000
/** Workflows closed against our will are looked for this far back: visibility is eventually consistent. */
const closedWindowMs = 10 * 60_000

export function createJanitorActivities(dependencies: ActivityDependencies) {
  const { database, providers, workflows, settings, logger } = dependencies
  const twins = createTwinWatch(dependencies)
  return {
    /** One sweep of the database. A full one checks the workflow of every open job and of every batch under way, and the spool directory. */
    async sweep({ isFull }: { isFull: boolean }): Promise<{ lanes: Lane[]; summary: string }> {
      try {
        const mended = async (what: string, work: () => Promise<number>): Promise<number> => {
          try {
            return await work()
          } catch (error) {
            // One part that fails (Temporal's list is down, say) must not stop the others.
            logger.warn({ error: describeError(error) }, what)
            return 0
          }
        }
        const queued = await mended('queued jobs could not be started', startQueuedJobs)
        const open = isFull ? await mended('the workflows of open jobs could not be checked', checkOpenJobs) : 0
        const started = queued + open
        const closed = await mended('closed workflows could not be listed', noticeClosedWorkflows)
        const revived = isFull ? await mended('batches could not be revived', reviveBatches) : 0
        const uploads = await mended('broken uploads could not be removed', () => removeStaleUploads(database, staleUploadMs))
        const budget = { rows: deletedRowsPerSweep }
        const finished = await mended('deletions could not be finished', () => finishDeletions(database, budget))
        const removed = uploads + finished
        const { keepJobsMs, keepDraftsMs } = settings.retention
        const drafts = await mended('old drafts could not be deleted', () => deleteStaleDrafts(database, keepDraftsMs, budget))
        if (drafts > 0) logger.info({ drafts }, 'janitor deleted drafts that nobody added to')
        const old =
          keepJobsMs === null
            ? 0
            : await mended('old jobs could not be deleted', () => deleteEndedJobs(database, keepJobsMs, budget, isAtWork))
        if (old > 0) logger.info({ jobs: old }, 'janitor deleted jobs that ended longer ago than they are to be kept')
        const spools = isFull ? await removeAbandonedSpools(settings.spoolDirectory, logger) : 0
        const summary = `${started} workflows started, ${closed} found closed, ${revived} batches revived, ${removed} broken uploads and deletions finished, ${old} old jobs and ${drafts} drafts deleted, ${spools} spool files removed`
        if (started + closed + revived + removed + spools > 0)
          logger.info({ started, closed, revived, removed, spools }, 'janitor mended something')
        return { lanes: await listServedLanes(database, settings.unserved.goneAfterMs), summary }
      } catch (error) {
        throw toFailure(error)
      }
    },

    /** What only a worker with a provider's key can mend: room that nobody uses, batches of ours that nobody waits for. */
    async sweepProvider({ provider: name, simulated }: Lane): Promise<void> {
      const provider = providers.find(name)
      if (provider?.simulated !== simulated) return
      const signal = cancellationSignal()
      const failures: unknown[] = []
      // One that fails must not hide those behind it. That it failed is said in the log, and at the end by the activity's failure.
      const attempt: Attempt = async (what, fields, work) => {
        signal.throwIfAborted()
        try {
          await work()
        } catch (error) {
          logger.warn({ ...fields, error: describeError(error) }, what)
          failures.push(error)
        }
      }
      try {
        await attempt('leases could not be swept', { provider: name }, () => sweepRoom(provider))
        for (const orphan of await listOrphanedBatches(database, name, provider.simulated)) {
          const { jobId, batch } = orphan
          await attempt('an orphaned batch could not be cancelled', { jobId, batch }, () => endOrphan(provider, orphan, signal))
        }
        await twins.look(provider, attempt, signal)
      } catch (error) {
        throw toFailure(error)
      }
      if (failures.length > 0) throw toFailure(failures[0])
    },
  }

  async function sweepRoom(provider: Provider): Promise<void> {
    const capacity = settings.capacity(provider.name)
    if (capacity === null) return
    const { swept, granted } = await sweepLeases(database, provider.name, provider.simulated, capacity)
    if (swept > 0) logger.info({ provider: provider.name, swept }, 'janitor took back room that nobody used')
    await tellGranted(dependencies, granted)
  }

  async function endOrphan(
    provider: Provider,
    { jobId, batch, providerBatchId }: OrphanedBatch,
    signal: AbortSignal,
  ): Promise<void> {
    // One that waits for a person is woken; not over and over, where the provider is at work on it or does not know it.
    let isToBeWoken = true
    try {
      if (providerBatchId === null) return
      const remote = await lookUp(() => provider.retrieve(providerBatchId, signal))
      isToBeWoken = remote !== null && remote.status !== 'cancelling'
      if (remote?.status !== 'in_progress' || (await isProvisional(database.drizzle, jobId, batch))) return
      // The list of orphans is as old as the calls before this one: a `retry` may have opened the job again.
      if (!isTerminalJobStatus((await loadJob(database.drizzle, jobId)).status)) return
      await provider.cancel(providerBatchId, signal)
      await appendEvent(database.drizzle, jobId, 'orphan_cancelled', { batch, provider_batch_id: providerBatchId })
    } finally {
      // What is finished was paid for: the batch's own workflow fetches it and ends the batch.
      const isStarted = await startBatch(jobId, batch)
      if (!isStarted && isToBeWoken) await workflows.getHandle(batchWorkflowId(jobId, batch)).signal('cancel')
    }
  }

  async function startQueuedJobs(): Promise<number> {
    let started = 0
    for (const job of await listStuckQueuedJobs(database, stuckQueuedMs)) started += (await startWorkflow(job)) ? 1 : 0
    return started
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

  /** Its webhook or the provider's files may wait for somebody to be back, which needs the job's row. */
  async function isAtWork(jobId: string): Promise<boolean> {
    return (await statusOf(jobWorkflowId(jobId))) === 'RUNNING'
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
      noticed += (ours.batch === null ? await markTerminated(ours.jobId) : await restartOpenBatch(ours.jobId, ours.batch)) ? 1 : 0
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
      // One try, which the sweep does not wait for.
      void notifyOfEnd(dependencies, jobId).catch((error: unknown) =>
        logger.warn({ jobId, error: describeError(error) }, 'webhook not delivered'),
      )
      return true
    } catch (error) {
      logger.warn({ jobId, error: describeError(error) }, 'the job of a terminated workflow could not be marked')
      return false
    }
  }

  /** A batch whose workflow died while nobody looked would wait for ever: for most this finds that it runs, at one call each. */
  async function reviveBatches(): Promise<number> {
    let revived = 0
    for await (const page of listBatchesUnderWay(database)) {
      for (const { jobId, batch } of page) revived += (await startBatch(jobId, batch)) ? 1 : 0
    }
    return revived
  }

  async function restartOpenBatch(jobId: string, batch: number): Promise<boolean> {
    const row = await loadBatch(database.drizzle, jobId, batch).catch((error: unknown) => {
      if (error instanceof BatchwrightError && error.code === 'batch_not_found') return null
      throw error
    })
    return row !== null && row.status !== 'ended' && (await startBatch(jobId, batch))
  }

  /** Starts a batch's workflow; the one that runs is left alone. */
  async function startBatch(jobId: string, batch: number): Promise<boolean> {
    try {
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
