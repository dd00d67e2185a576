import { createAdmitActivities } from './admit.ts'
import { createAfterJobActivities } from './after-job.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { createFetchActivities } from './fetch.ts'
import { withHeartbeats } from './heartbeat.ts'
import { createJanitorActivities } from './janitor.ts'
import { createJobActivities } from './job.ts'
import { createPollActivities } from './poll.ts'
import { createProviderCheckActivities } from './provider-check.ts'
import { withRedactedFailures, withRedactedProviders } from './redacted.ts'
import { createServedActivities } from './served.ts'
import { createSettleActivities } from './settle.ts'
import { createSubmitActivities } from './submit.ts'

/** All activities; a worker registers them on the main task queue and on that of each of its providers. */
export function createActivities(given: ActivityDependencies) {
  const dependencies = { ...given, providers: withRedactedProviders(given.providers, given.redact) }
  const activities = {
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
  }
  return withHeartbeats(withRedactedFailures(activities, given.redact))
}
export type Activities = ReturnType<typeof createActivities>
export type { ActivityDependencies, ActivitySettings, CrashPoint, Logger } from './dependencies.ts'
