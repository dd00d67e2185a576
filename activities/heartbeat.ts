import { Context } from '@temporalio/activity'

/** Often enough for the shortest heartbeat timeout that workflows set. */
const intervalMs = 2000

/** Aborts when the running activity is cancelled, has timed out, or its worker shuts down. */
export function cancellationSignal(): AbortSignal {
  return Context.current().cancellationSignal
}

/**
 * Every activity with a heartbeat: a killed worker is noticed in seconds, not at the activity's timeout, and an activity that takes
 * long is not taken for dead.
 */
export function withHeartbeats<Activities extends object>(activities: Activities): Activities {
  const beating = Object.entries(activities).map(([name, activity]) => [name, beat(activity as Activity)])
  return Object.fromEntries(beating) as Activities
}

type Activity = (input: unknown) => Promise<unknown>

function beat(activity: Activity): Activity {
  return async (input) => {
    const context = Context.current()
    context.heartbeat()
    const timer = setInterval(() => context.heartbeat(), intervalMs)
    try {
      return await activity(input)
    } finally {
      clearInterval(timer)
    }
  }
}
