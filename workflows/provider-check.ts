import { ActivityFailure, isCancellation, proxyActivities } from '@temporalio/workflow'
import { providerTaskQueue, type Lane } from '../core/task-queues.ts'
import type { Activities } from '../activities/index.ts'
import { isNotTaken } from './activity-proxies.ts'

/** What a check found; `not_served`: no worker took it, or the one that did has no such provider. */
export type CheckedProvider =
  | Awaited<ReturnType<Activities['checkProvider']>>
  | { readonly result: 'activity_failed'; readonly message: string }

/** One call to a provider by a worker that has its key, for `POST /v1/providers/{name}/check`: the API has none. */
export async function providerCheck(lane: Lane): Promise<CheckedProvider> {
  const { checkProvider } = proxyActivities<Activities>({
    taskQueue: providerTaskQueue(lane, 'calls'),
    scheduleToStartTimeout: '10s',
    startToCloseTimeout: '25s',
    heartbeatTimeout: '10s',
    // Who asks wants to know how it is now.
    retry: { maximumAttempts: 1 },
    summary: `check ${lane.provider}`,
  })
  try {
    return await checkProvider(lane)
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error
    if (isNotTaken(error)) return { result: 'not_served' }
    return { result: 'activity_failed', message: error.cause?.message ?? error.message }
  }
}
