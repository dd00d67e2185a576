import type { ProgressDisplay } from '../cli/progress-display.ts'
import { type Batchwright, isSettled, type Job } from '../client/batchwright.ts'

/** The worker that the job runs on. */
export interface KillableWorker {
  /** Undefined while there is none. */
  pid(): number | undefined
  /** With `kill -9`; resolves when it is dead. */
  kill(): Promise<void>
  /** Resolves when a new one is ready. */
  restart(): Promise<void>
}

/**
 * Watches a job to its end and kills its worker once, when the share `killAt` of the items is done. Throws if the job settled (ended, or is paused for a
 * person) before the worker was dead, and if no new one came up; so it never waits for a kill that can't happen any more.
 */
export async function watchAndKillWorker(input: {
  client: Batchwright
  jobId: string
  worker: KillableWorker
  killAt: number
  display: Pick<ProgressDisplay, 'show' | 'note'>
  signal: AbortSignal
}): Promise<{ job: Job; workersKilled: number }> {
  const { client, jobId, worker, killAt, display, signal } = input
  let workersKilled = 0
  const killWorker = async (): Promise<void> => {
    const pid = worker.pid()
    if (pid === undefined) throw new Error('there was no worker to kill')
    await worker.kill()
    // Only now nothing of it can move the job any more.
    const job = await client.jobs.get(jobId)
    if (isSettled(job)) throw new Error(`the job was ${describe(job)} before the worker was dead`)
    workersKilled += 1
    display.note(`kill -9 of the worker (pid ${pid}) at ${percentDone(job)} %. The providers go on; nobody watches now.`)
    await worker.restart()
    display.note(`A new worker (pid ${worker.pid()}) is up and goes on where the first one was.`)
  }
  let killing: Promise<void> | undefined
  const failed = new AbortController()
  const onProgress = (job: Job): void => {
    display.show(job)
    if (killing !== undefined || isSettled(job) || job.progress.done < killAt * job.progress.total) return
    killing = killWorker()
    // Without a worker the job would never end.
    killing.catch((error: unknown) => failed.abort(error))
  }
  const job = await client.jobs.wait(jobId, { onProgress, signal: AbortSignal.any([signal, failed.signal]) })
  if (killing === undefined) throw new Error(`the job was ${describe(job)} before the worker could be killed`)
  await killing
  return { job, workersKilled }
}

function describe(job: Job): string {
  const pause = job.pause === null ? '' : ` (${job.pause.reason}${job.pause.detail === null ? '' : `: ${job.pause.detail}`})`
  return `${job.status}${pause} at ${percentDone(job)} %,`
}

function percentDone({ progress: { done, total } }: Job): number {
  return Math.floor((100 * done) / total)
}
