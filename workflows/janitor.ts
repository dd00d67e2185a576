import {
  ActivityFailure,
  CancellationScope,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow'
import { mainTaskQueue, providerTaskQueue, type Lane } from '../core/task-queues.ts'
import type { Activities } from '../activities/index.ts'

export interface JanitorInput {
  /** Between two sweeps, in milliseconds. */
  intervalMs: number
  /** Sweeps so far. */
  sweeps?: number
}

/** Every so many sweeps look at the workflow of each open job. */
const fullSweepEvery = 20
/** Sweeps of one run, so that the history stays short where the server does not suggest continue-as-new. */
const sweepsPerRun = 500

/**
 * One quiet row in the Web UI that mends what nobody else can: queued jobs without a workflow, workflows that were terminated, leases whose
 * batch is over, batches at a provider that belong to nobody. Started by any worker that misses it.
 */
export async function janitor({ intervalMs, sweeps = 0 }: JanitorInput): Promise<void> {
  const { sweep } = proxyActivities<Activities>({
    taskQueue: mainTaskQueue,
    startToCloseTimeout: '10m',
    heartbeatTimeout: '10s',
    retry: { maximumInterval: '1m' },
    summary: 'sweep',
  })
  for (let count = sweeps; ; count++) {
    const { lanes, summary } = await sweep({ isFull: count % fullSweepEvery === 0 })
    setCurrentDetails(summary)
    for (const lane of lanes) await sweepProvider(lane)
    await sleep(intervalMs, { summary: 'until the next sweep' })
    if (workflowInfo().continueAsNewSuggested || (count + 1) % sweepsPerRun === 0) {
      await CancellationScope.nonCancellable(() => continueAsNew<typeof janitor>({ intervalMs, sweeps: count + 1 }))
    }
  }
}

/** A provider without a worker, or one that is down, must not hold up the next sweep: it gets its turn again then. */
async function sweepProvider(lane: Lane): Promise<void> {
  const { sweepProvider: sweepOne } = proxyActivities<Activities>({
    taskQueue: providerTaskQueue(lane, 'calls'),
    scheduleToStartTimeout: '20s',
    startToCloseTimeout: '5m',
    heartbeatTimeout: '10s',
    retry: { maximumAttempts: 2 },
    summary: `sweep ${lane.provider}`,
  })
  try {
    await sweepOne(lane)
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error
  }
}
