import { Client, Connection, WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client'
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  type SearchAttributePair,
} from '@temporalio/common'
import { BatchwrightError, describeError } from '../core/errors.ts'
import type { ErrorClass } from '../core/error-classes.ts'
import { jobWorkflowId, providerCheckWorkflowId } from '../core/job-id.ts'
import { mainTaskQueue, searchAttributeNames, type Lane } from '../core/task-queues.ts'
import type { Config } from '../config/config.ts'
import type { JobRow } from '../db/job-state.ts'
import type { batchJob, providerCheck } from '../workflows/index.ts'
import type { JobCommand } from './contracts/jobs.ts'

/** The part of Temporal that the API uses. Every method throws `temporal_unavailable` when it can't be reached. */
export interface JobWorkflows {
  /** Starts the workflow of a queued job; one that runs already is left alone. */
  start(job: JobRow): Promise<void>
  /** Signals the job's workflow, and starts it where none runs. */
  signal(job: JobRow, command: JobCommand, classes?: readonly ErrorClass[]): Promise<void>
  /** Whether some worker polls this task queue. */
  hasWorkers(taskQueue: string): Promise<boolean>
  /** Has a worker call a provider. Null: no worker took it up in time. */
  checkProvider(lane: Lane): Promise<Awaited<ReturnType<typeof providerCheck>> | null>
  close(): Promise<void>
}

const callTimeoutMs = 5000
/** More than a check of a provider takes with a worker: 10 s until one takes the call, 25 s for the call. */
const checkTimeoutMs = 40_000
/** How long a look at the namespace's search attributes counts; they are registered once in its life. */
const attributesKnownMs = 60_000

/** Connects at the first call, and again by itself whenever the server comes back. */
export function connectJobWorkflows(temporal: Config['temporal']): JobWorkflows {
  const connection = Connection.lazy({
    address: temporal.address,
    ...(temporal.apiKey === null ? {} : { apiKey: temporal.apiKey.reveal(), tls: true }),
    // The SDK would repeat a call for as long as its deadline allows, and a repetition that is planned when the connection is closed ends the
    // process. Here the caller is told at once, and the janitor starts what could not be started.
    interceptors: [],
  })
  const { namespace } = temporal
  const { workflow: workflows } = new Client({ connection, namespace })
  let attributes: { usable: boolean; readAtMs: number } | null = null

  const call = async <Result>(run: () => Promise<Result>, timeoutMs = callTimeoutMs): Promise<Result> => {
    try {
      return await connection.withDeadline(Date.now() + timeoutMs, run)
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw error
      throw new BatchwrightError(
        'temporal_unavailable',
        `Temporal at ${temporal.address} can not be used: ${describeError(error).replace(/\.? Resolution note:.*$/, '')}`,
        { cause: error },
      )
    }
  }

  /** A workflow that sets an attribute which the namespace lacks is refused, so none is set unless all are there. */
  const canSetAttributes = async (): Promise<boolean> => {
    if (attributes !== null && (attributes.usable || Date.now() - attributes.readAtMs < attributesKnownMs))
      return attributes.usable
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
    attributes = { usable: searchAttributeNames.every((name) => name in (customAttributes ?? {})), readAtMs: Date.now() }
    return attributes.usable
  }

  const startOptions = async (job: JobRow) => ({
    taskQueue: mainTaskQueue,
    workflowId: jobWorkflowId(job.id),
    args: [{ jobId: job.id }] as Parameters<typeof batchJob>,
    staticSummary: job.name ?? `${job.provider} job ${job.id}`,
    ...((await canSetAttributes()) ? { typedSearchAttributes: attributesOf(job) } : {}),
  })

  return {
    async start(job) {
      try {
        await call(async () =>
          workflows.start<typeof batchJob>('batchJob', {
            ...(await startOptions(job)),
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
          }),
        )
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      }
    },
    async signal(job, command, classes) {
      await call(async () =>
        workflows.signalWithStart<typeof batchJob, unknown[]>('batchJob', {
          ...(await startOptions(job)),
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          signal: command,
          signalArgs: classes === undefined ? [] : [{ classes }],
        }),
      )
    },
    async hasWorkers(taskQueue) {
      const description = await call(() =>
        // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is in a package that is none of our dependencies
        connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType: activityQueue }),
      )
      return (description.pollers ?? []).length > 0
    },
    async checkProvider(lane) {
      const handle = await call(() =>
        workflows.start<typeof providerCheck>('providerCheck', {
          taskQueue: mainTaskQueue,
          workflowId: providerCheckWorkflowId(lane),
          workflowIdConflictPolicy: 'USE_EXISTING',
          // Ends one that no worker takes up, so that it is not made when nobody asks any more.
          workflowExecutionTimeout: checkTimeoutMs,
          args: [lane],
          staticSummary: `calls ${lane.provider} for a check`,
        }),
      )
      try {
        return await call(() => handle.result(), checkTimeoutMs + callTimeoutMs)
      } catch (error) {
        if (error instanceof BatchwrightError && error.cause instanceof WorkflowFailedError) return null
        throw error
      }
    },
    close: () => connection.close(),
  }
}

/** `temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY`: all queues of ours have activities. */
const activityQueue: number = 2

function attributesOf(job: JobRow): TypedSearchAttributes {
  const values: Record<(typeof searchAttributeNames)[number], string | null> = {
    JobId: job.id,
    JobName: job.name,
    Provider: job.provider,
    JobStatus: job.status,
  }
  const pairs: SearchAttributePair[] = []
  for (const name of searchAttributeNames) {
    const value = values[name]
    if (value !== null) pairs.push({ key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value })
  }
  return new TypedSearchAttributes(pairs)
}
