import { ActivityFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow'
import { mainTaskQueue, providerTaskQueue } from '../core/task-queues.ts'
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
 * Runs an activity on its provider's task queue. When no worker takes it, and none looks at that queue, `otherwise` runs instead: a key that
 * was removed must not leave a job waiting without a word.
 */
export async function onProviderQueue<Result>(
  { provider, unservedAfterMs }: ProviderQueue,
  summary: string,
  call: (activities: ProviderActivities) => Promise<Result>,
  otherwise: () => Promise<Result>,
): Promise<Result> {
  const activities = proxyActivities<Activities>({
    taskQueue: providerTaskQueue(provider),
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
    const isServed = await databaseActivities(`look for a worker for ${provider}`).isServed({ provider })
    if (!isServed) return await otherwise()
  }
}

function isNotTaken(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'SCHEDULE_TO_START'
  )
}

/** What follows a job's end is tried for a while, and then left: it can't change how the job ended. */
export function afterJobActivities({ provider }: Pick<ProviderQueue, 'provider'>) {
  return proxyActivities<Activities>({
    taskQueue: providerTaskQueue(provider),
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
