import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminalJobStatus } from '../core/statuses.ts'
import { providerTaskQueue } from '../core/task-queues.ts'
import { loadContext, stepOf, type BatchKey } from './batch-context.ts'
import { phaseOf, type BatchPhase, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { withFailures } from './failures.ts'
import { cancellationSignal } from './heartbeat.ts'
import { pauseForPerson } from './pausing.ts'
import { endUnsent, giveBackRoom } from './room.ts'

/** A worker that is just starting is given this long to look at all of its queues. */
const longestLookMs = 10_000

/** What to do where no worker serves a provider. These run on the main task queue, which any worker serves. */
export function createServedActivities(dependencies: ActivityDependencies) {
  const { workflows, settings } = dependencies
  return {
    /** Whether a worker with this provider's key is there, or comes within a few seconds. */
    async isServed({ provider }: { provider: string }): Promise<boolean> {
      return await withFailures(async () => {
        const signal = cancellationSignal()
        for (const deadline = Date.now() + Math.min(longestLookMs, settings.unserved.afterMs); ;) {
          if (await hasPollers(provider)) return true
          if (Date.now() >= deadline) return false
          await sleep(500, undefined, { signal })
        }
      })
    },

    /** Pauses the job of a batch whose provider nobody serves. A cancelled job needs no key to give up what it has not sent. */
    async pauseUnserved(key: BatchKey & { phase: BatchPhase }): Promise<BatchStep> {
      return await withFailures(async () => {
        const { job, batch } = await loadContext(dependencies, key)
        if (batch.status === 'ended') return await stepOf(dependencies, key)
        if (job.cancelRequestedAt !== null || isTerminalJobStatus(job.status)) {
          if (await giveBackRoom(dependencies, key)) return await endUnsent(dependencies, key)
        }
        const detail = `no worker has ${batch.simulated ? 'a simulated ' : ''}"${batch.provider}": ${
          batch.simulated ? 'start with --simulate' : 'set its key and start a worker'
        }, then resume`
        return await pauseForPerson(dependencies, key, 'provider_unconfigured', detail, phaseOf(batch.status))
      })
    },
  }

  async function hasPollers(provider: string): Promise<boolean> {
    const { pollers } = await workflows.workflowService.describeTaskQueue({
      namespace: workflows.options.namespace,
      taskQueue: { name: providerTaskQueue(provider) },
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is in a package that is none of our dependencies
      taskQueueType: activityTaskQueue,
    })
    const now = Date.now()
    return (pollers ?? []).some(({ lastAccessTime }) => now - toMs(lastAccessTime?.seconds) < settings.unserved.goneAfterMs)
  }
}

function toMs(seconds: { toNumber(): number } | null | undefined): number {
  return (seconds?.toNumber() ?? 0) * 1000
}

/** `temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY` */
const activityTaskQueue: number = 2
