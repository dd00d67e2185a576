import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { Client } from '@temporalio/client'
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker'
import { createActivities, type ActivityDependencies, type Logger } from '../activities/index.ts'
import { removeAbandonedSpools } from '../activities/spool.ts'
import { describeError } from '../core/errors.ts'
import { mainTaskQueue, providerTaskQueue } from '../core/task-queues.ts'
import { announceWorker, withdrawWorker } from '../db/workers.ts'
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
  readonly redact: ActivityDependencies['redact']
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
/** Calls to one provider at once: they wait for its answers most of the time. */
const providerCalls = 32
/** Transfers of one provider at once: each holds a page of lines or results in memory. */
const providerTransfers = 3
/** Well within the time after which a worker is taken for gone (`UnservedTiming`). */
const announceEveryMs = 10_000
/** Workflows kept in memory. Others are replayed from their short histories when something happens to them. */
const cachedWorkflows = 300
/** The janitor is looked for this often, in milliseconds: somebody may terminate it. */
const janitorCheckMs = 60_000

/**
 * Runs the workflows and all activities: one Temporal worker for the main task queue and two for each provider, so that a slow provider holds
 * up nobody else, and its transfers don't hold up its calls.
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
    redact: rest.redact,
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
  const lanes = providers.names().map((provider) => ({ provider, simulated: providers.find(provider)?.simulated === true }))
  for (const lane of lanes) {
    for (const [work, most] of [
      ['calls', providerCalls],
      ['transfers', providerTransfers],
    ] as const) {
      const taskQueue = providerTaskQueue(lane, work)
      workers.push(await Worker.create({ ...common, taskQueue, activities, maxConcurrentActivityTaskExecutions: most }))
    }
  }
  const workerId = `${hostname()}-${process.pid}-${randomUUID()}`
  const announce = () => announceWorker(rest.database, workerId, lanes)
  const announcing = setInterval(() => {
    announce().catch((error: unknown) => logger.warn({ error: describeError(error) }, 'could not say which providers are served'))
  }, announceEveryMs)
  const intervalMs = rest.janitorIntervalMs ?? janitorIntervalMs
  const janitorCheck = setInterval(() => void ensureJanitor(client.workflow, logger, intervalMs), janitorCheckMs)
  const stopAll = () => {
    clearInterval(janitorCheck)
    clearInterval(announcing)
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
  ).then(async () => {
    // Best effort: one that can't say so is missed after a while.
    await withdrawWorker(rest.database, workerId).catch(() => {})
  })
  await announce()
  await ensureJanitor(client.workflow, logger, intervalMs)
  return {
    stopped,
    async stop() {
      stopAll()
      await stopped
    },
  }
}
