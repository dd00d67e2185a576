import { ActivityFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow'
import { mainTaskQueue, providerTaskQueue, type Lane } from '../core/task-queues.ts'
import type { ProviderQueue } from '../activities/batch-step.ts'
import type { Activities } from '../activities/index.ts'

/** Tried again for as long as it takes: a database or a provider that is away for an hour costs an hour, and no item. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const

/** Tells in seconds that the worker of an activity is gone; all activities send heartbeats. */
const heartbeatTimeout = '10s'

/** Activities that only touch the database. `summary` is what the Web UI shows. */
export function databaseActivities(summary: string) {
  return proxyActivities<Activities>({ taskQueue: mainTaskQueue, startToCloseTimeout: '30m', heartbeatTimeout, retry, summary })
}

type ProviderActivities = ReturnType<typeof proxyActivities<Activities>>

/**
 * Runs an activity on one of its provider's task queues. When no worker takes it, and none serves the provider, `otherwise` runs instead: a
 * key that was removed must not leave a job waiting without a word.
 */
export async function onProviderQueue<Result>(
  { unservedAfterMs, ...lane }: ProviderQueue,
  work: 'calls' | 'transfers',
  summary: string,
  call: (activities: ProviderActivities) => Promise<Result>,
  otherwise: () => Promise<Result>,
): Promise<Result> {
  const activities = proxyActivities<Activities>({
    taskQueue: providerTaskQueue(lane, work),
    scheduleToStartTimeout: unservedAfterMs,
    startToCloseTimeout: '6h',
    heartbeatTimeout,
    retry,
    summary,
  })
  for (;;) {
    try {
      return await call(activities)
    } catch (error) {
      if (!isNotTaken(error)) throw error
    }
    const isServed = await databaseActivities(`look for a worker for ${lane.provider}`).isServed(lane)
    if (!isServed) return await otherwise()
  }
}

/** No worker took the activity in the time given. */
export function isNotTaken(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'SCHEDULE_TO_START'
  )
}

/** What follows a job's end is tried for a while, and then left: it can't change how the job ended. */
export function afterJobActivities(lane: Lane) {
  return proxyActivities<Activities>({
    taskQueue: providerTaskQueue(lane, 'calls'),
    startToCloseTimeout: '10m',
    scheduleToCloseTimeout: '1h',
    heartbeatTimeout,
    retry,
    summary: 'delete files at the provider',
  })
}

/** Tells the webhook. The receiver may be away for a day. */
export function notifyActivities() {
  return proxyActivities<Activities>({
    taskQueue: mainTaskQueue,
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '24h',
    retry,
    summary: 'notify',
  })
}
