import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminalJobStatus } from '../core/statuses.ts'
import type { Lane } from '../core/task-queues.ts'
import { isLaneServed } from '../db/workers.ts'
import { loadContext, stepOf, type BatchKey } from './batch-context.ts'
import { phaseOf, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { withFailures } from './failures.ts'
import { cancellationSignal } from './heartbeat.ts'
import { pauseForPerson } from './pausing.ts'
import { endUnsent, giveBackRoom } from './room.ts'

/** A worker that is just starting, or was cut off from Postgres, announces itself within this time. */
const longestLookMs = 15_000

/** What to do where no worker serves a provider. These run on the main task queue, which any worker serves. */
export function createServedActivities(dependencies: ActivityDependencies) {
  const { database, settings } = dependencies
  return {
    /** Whether a worker with this provider is there, or comes within a few seconds. */
    async isServed(lane: Lane): Promise<boolean> {
      return await withFailures(async () => {
        const signal = cancellationSignal()
        for (const deadline = Date.now() + Math.min(longestLookMs, settings.unserved.afterMs); ;) {
          if (await isLaneServed(database, lane, settings.unserved.goneAfterMs)) return true
          if (Date.now() >= deadline) return false
          await sleep(500, undefined, { signal })
        }
      })
    },

    /** Pauses the job of a batch whose provider nobody serves. A cancelled job needs no key to give up what it has not sent. */
    async pauseUnserved(key: BatchKey): Promise<BatchStep> {
      return await withFailures(async () => {
        const { job, batch } = await loadContext(dependencies, key)
        if (batch.status === 'ended') return await stepOf(dependencies, key)
        if (job.cancelRequestedAt !== null || isTerminalJobStatus(job.status)) {
          if (await giveBackRoom(dependencies, key)) return await endUnsent(dependencies, key)
        }
        const detail = `no worker has ${batch.simulated ? 'a simulated ' : ''}"${batch.provider}": ${
          batch.simulated ? 'start with --simulate' : 'set its key and start a worker'
        }, then resume${job.cancelRequestedAt === null ? '' : '; the cancellation goes on then'}`
        return await pauseForPerson(dependencies, key, 'provider_unconfigured', detail, phaseOf(batch.status))
      })
    },
  }
}
