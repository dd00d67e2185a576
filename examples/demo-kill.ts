import type { ProgressDisplay } from '../cli/progress-display.ts'
import { type Batchwright, isSettled, type Job } from '../client/batchwright.ts'

/** The worker that the jobs run on. */
export interface KillableWorker {
  /** Undefined while there is none. */
  pid(): number | undefined
  /** With `kill -9`; resolves when it is dead. */
  kill(): Promise<void>
  /** Resolves when a new one is ready. */
  restart(): Promise<void>
}

/**
 * Watches jobs, one of each provider, to their end and kills their worker once, when the share `killAt` of all their items is done. Throws if one of them
 * settled (ended, or is paused for a person) before the worker was dead, and if no new one came up; so it never waits for a kill that can't happen any more.
 */
export async function watchAndKillWorker(input: {
  client: Batchwright
  jobs: readonly Job[]
  worker: KillableWorker
  killAt: number
  display: Pick<ProgressDisplay, 'show' | 'note'>
  signal: AbortSignal
}): Promise<{ jobs: Job[]; workersKilled: number }> {
  const { client, worker, killAt, display, signal } = input
  const seen = new Map(input.jobs.map((job) => [job.id, job]))
  // Their lines stand in this order.
  for (const job of input.jobs) display.show(job, job.provider)
  let workersKilled = 0
  const killWorker = async (): Promise<void> => {
    const pid = worker.pid()
    if (pid === undefined) throw new Error('there was no worker to kill')
    await worker.kill()
    // Only now nothing of it can move a job any more.
    const jobs = await Promise.all(input.jobs.map(({ id }) => client.jobs.get(id)))
    const settled = jobs.find(isSettled)
    if (settled !== undefined) throw new Error(`${describe(settled)} before the worker was dead`)
    workersKilled += 1
    const shares = jobs.map((job) => `${job.provider} ${percentDone([job])} %`).join(', ')
    display.note(
      `kill -9 of the worker (pid ${pid}) at ${percentDone(jobs)} % (${shares}). The providers go on; nobody watches now.`,
    )
    await worker.restart()
    display.note(`A new worker (pid ${worker.pid()}) is up and goes on where the first one was.`)
  }
  let killing: Promise<void> | undefined
  const failed = new AbortController()
  const onProgress = (job: Job): void => {
    seen.set(job.id, job)
    display.show(job, job.provider)
    if (killing !== undefined) return
    if (isSettled(job)) failed.abort(new Error(`${describe(job)} before the worker could be killed`))
    if (failed.signal.aborted || shareDone([...seen.values()]) < killAt) return
    killing = killWorker()
    // Without a worker the jobs would never end.
    killing.catch((error: unknown) => failed.abort(error))
  }
  const ended = AbortSignal.any([signal, failed.signal])
  const jobs = await Promise.all(input.jobs.map(({ id }) => client.jobs.wait(id, { onProgress, signal: ended })))
  // The last one may have ended at the very moment.
  ended.throwIfAborted()
  await killing
  return { jobs, workersKilled }
}

function describe(job: Job): string {
  const pause = job.pause === null ? '' : ` (${job.pause.reason}${job.pause.detail === null ? '' : `: ${job.pause.detail}`})`
  return `the ${job.provider} job was ${job.status}${pause} at ${percentDone([job])} %,`
}

function percentDone(jobs: readonly Job[]): number {
  return Math.floor(100 * shareDone(jobs))
}

function shareDone(jobs: readonly Job[]): number {
  const sum = (count: (job: Job) => number): number => jobs.reduce((total, job) => total + count(job), 0)
  return sum(({ progress }) => progress.done) / sum(({ progress }) => progress.total)
}
