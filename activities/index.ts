import { createAdmitActivities } from './admit.ts'
import { createAfterJobActivities } from './after-job.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { createFetchActivities } from './fetch.ts'
import { withHeartbeats } from './heartbeat.ts'
import { createJanitorActivities } from './janitor.ts'
import { createJobActivities } from './job.ts'
import { createPollActivities } from './poll.ts'
import { createProviderCheckActivities } from './provider-check.ts'
import { createServedActivities } from './served.ts'
import { createSettleActivities } from './settle.ts'
import { createSubmitActivities } from './submit.ts'

/** All activities; a worker registers them on the main task queue and on that of each of its providers. */
export function createActivities(dependencies: ActivityDependencies) {
  return withHeartbeats({
    ...createJobActivities(dependencies),
    ...createAdmitActivities(dependencies),
    ...createSubmitActivities(dependencies),
    ...createServedActivities(dependencies),
    ...createSettleActivities(dependencies),
    ...createPollActivities(dependencies),
    ...createFetchActivities(dependencies),
    ...createAfterJobActivities(dependencies),
    ...createJanitorActivities(dependencies),
    ...createProviderCheckActivities(dependencies),
  })
}
export type Activities = ReturnType<typeof createActivities>
export type { ActivityDependencies, ActivitySettings, CrashPoint, Logger } from './dependencies.ts'
