import { Client } from '@temporalio/client'
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker'
import { createActivities, type ActivityDependencies, type Logger } from '../activities/index.ts'
import { removeAbandonedSpools } from '../activities/spool.ts'
import { mainTaskQueue, providerTaskQueue } from '../core/task-queues.ts'
import { ensureJanitor, janitorIntervalMs } from './janitor-start.ts'
import { hasSearchAttributes } from './search-attributes.ts'
import { loadWorkflowBundle } from './workflow-bundle.ts'

export interface WorkerSettings {
  readonly connection: NativeConnection
  readonly namespace: string
  readonly database: ActivityDependencies['database']
  readonly providers: ActivityDependencies['providers']
  readonly settings: Omit<ActivityDependencies['settings'], 'searchAttributes'>
  readonly logger: Logger
  readonly reach: ActivityDependencies['reach']
  readonly janitorIntervalMs?: number
  /** A prebuilt workflow bundle. */
  readonly bundlePath?: string
}

export interface RunningWorker {
  /** Ends when the worker has stopped; rejects when it failed. */
  readonly stopped: Promise<void>
  /** Lets running activities finish for a few seconds, then ends. */
  stop(): Promise<void>
}

/** Database work is short; a few at once keep Postgres busy without holding many connections. */
const mainActivities = 16
/** Transfers of one provider at once: each holds a page of lines or results in memory. */
const providerActivities = 8
/** Workflows kept in memory. Others are replayed from their short histories when something happens to them. */
const cachedWorkflows = 300
/** The janitor is looked for this often, in milliseconds: somebody may terminate it. */
const janitorCheckMs = 60_000

/**
 * Runs the workflows and all activities: one poller for the main task queue and one for each provider, so that a slow provider holds up
 * nobody else.
 */
export async function startWorker({ connection, namespace, providers, logger, ...rest }: WorkerSettings): Promise<RunningWorker> {
  await removeAbandonedSpools(rest.settings.spoolDirectory, logger)
  const client = new Client({ connection, namespace })
  const activities = createActivities({
    database: rest.database,
    providers,
    workflows: client.workflow,
    settings: { ...rest.settings, searchAttributes: await hasSearchAttributes(client, namespace, logger) },
    logger,
    reach: rest.reach,
  })
  const common: Partial<WorkerOptions> = { connection, namespace, shutdownGraceTime: '5s', shutdownForceTime: '10s' }
  const workers = [
    await Worker.create({
      ...common,
      workflowBundle: await loadWorkflowBundle(rest.bundlePath),
      taskQueue: mainTaskQueue,
      activities,
      maxConcurrentActivityTaskExecutions: mainActivities,
      maxCachedWorkflows: cachedWorkflows,
      stickyQueueScheduleToStartTimeout: '5s',
    }),
  ]
  for (const name of providers.names()) {
    workers.push(
      await Worker.create({
        ...common,
        taskQueue: providerTaskQueue(name),
        activities,
        maxConcurrentActivityTaskExecutions: providerActivities,
      }),
    )
  }
  const intervalMs = rest.janitorIntervalMs ?? janitorIntervalMs
  const janitorCheck = setInterval(() => void ensureJanitor(client.workflow, logger, intervalMs), janitorCheckMs)
  const stopAll = () => {
    clearInterval(janitorCheck)
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  }
  const stopped = Promise.all(
    workers.map(async (worker) => {
      try {
        await worker.run()
      } finally {
        // One that ends takes the others with it: half a worker would leave jobs waiting without a word.
        stopAll()
      }
    }),
  ).then(() => undefined)
  await ensureJanitor(client.workflow, logger, intervalMs)
  return {
    stopped,
    async stop() {
      stopAll()
      await stopped
    },
  }
}
