import { Context } from '@temporalio/activity'

/**
 * Runs `work` with a heartbeat every few seconds, so that a killed worker is noticed in seconds and not at the activity's timeout. The
 * signal aborts when the activity is cancelled or its worker shuts down.
 */
export async function withHeartbeat<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const context = Context.current()
  context.heartbeat()
  const timer = setInterval(() => context.heartbeat(), 2000)
  try {
    return await work(context.cancellationSignal)
  } finally {
    clearInterval(timer)
  }
}
