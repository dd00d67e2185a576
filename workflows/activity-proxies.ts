import { proxyActivities } from '@temporalio/workflow'
import { mainTaskQueue, providerTaskQueue } from '../core/task-queues.ts'
import type { Activities } from '../activities/index.ts'

/** Tried again for as long as it takes: a database or a provider that is away for an hour costs an hour, and no item. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const

/** Tells in seconds that the worker of an activity is gone; all activities send heartbeats. */
const heartbeatTimeout = '10s'

/** Activities that only touch the database. `summary` is what the Web UI shows. */
export function databaseActivities(summary: string) {
  return proxyActivities<Activities>({ taskQueue: mainTaskQueue, startToCloseTimeout: '30m', heartbeatTimeout, retry, summary })
}

/** Activities that talk to a provider. */
export function providerActivities(provider: string, summary: string) {
  return proxyActivities<Activities>({
    taskQueue: providerTaskQueue(provider),
    startToCloseTimeout: '6h',
    heartbeatTimeout,
    retry,
    summary,
  })
}

/** What follows a job's end is tried for a while, and then left: it can't change how the job ended. */
export function lastActivities(provider: string, summary: string) {
  return {
    onProvider: proxyActivities<Activities>({
      taskQueue: providerTaskQueue(provider),
      startToCloseTimeout: '10m',
      scheduleToCloseTimeout: '1h',
      heartbeatTimeout,
      retry,
      summary,
    }),
    onMain: proxyActivities<Activities>({
      taskQueue: mainTaskQueue,
      startToCloseTimeout: '30s',
      scheduleToCloseTimeout: '24h',
      retry,
      summary,
    }),
  }
}
