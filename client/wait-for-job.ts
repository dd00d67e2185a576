import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamMessage } from '../api/contracts/events.ts'
import type { Job } from '../api/contracts/jobs.ts'
import { BatchwrightError } from '../core/errors.ts'
import { isTerminalJobStatus, needsPerson } from '../core/statuses.ts'
import type { Http } from './http.ts'
import { readJson } from './problem.ts'
import { serverSentEvents } from './server-sent-events.ts'

export interface WaitOptions {
  readonly timeoutMs?: number | undefined
  /** Called with the job as it is now, at once and then at every change; about once a second at most. */
  readonly onProgress?: ((job: Job) => void) | undefined
  /** The API can't be reached at the moment; it is tried again until the timeout. */
  readonly onConnectionLost?: ((error: BatchwrightError) => void) | undefined
  /** Ends the waiting, and nothing else: the job goes on. The promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** A stream without a byte, comments included, for so long is taken for dead: a proxy may hold everything back. */
const silentStreamMs = 45_000
/** After so many streams in a row that brought nothing, only polling. */
const uselessStreams = 3
const longestPauseMs = 10_000
const longestTimerMs = 2 ** 31 - 1

/** Nothing more will happen to the job by itself: it has ended, or it is paused for a person. */
export function isSettled(job: Job): boolean {
  return isTerminalJobStatus(job.status) || (job.status === 'paused' && needsPerson(job.pause?.reason ?? null))
}

/**
 * Resolves with the job once it is settled. Follows the job's event stream, resumed after the last event seen; between streams, and where
 * streams don't get through, it polls. Throws `wait_timeout` (details: the job as last seen), what the API says when the job
 * is not there, and `unreachable` only if the API can't be reached at the very start.
 */
export async function waitForJob(http: Http, jobId: string, options: WaitOptions = {}): Promise<Job> {
  const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.min(options.timeoutMs, longestTimerMs))
  const signal = AbortSignal.any([options.signal, timeout].filter((one) => one !== undefined))
  const watching: Watching = {
    http,
    path: `/v1/jobs/${encodeURIComponent(jobId)}`,
    signal,
    lastEventId: undefined,
    job: undefined,
    options,
  }
  try {
    see(watching, await getJob(watching))
    for (let silent = 0, failures = 0; !isSettled(watching.job as Job);) {
      try {
        if (silent < uselessStreams) silent = (await followStream(watching)) ? 0 : silent + 1
        if (!isSettled(watching.job as Job)) see(watching, await getJob(watching))
        failures = 0
      } catch (error) {
        if (signal.aborted || !isTemporary(error)) throw error
        failures++
        options.onConnectionLost?.(error)
      }
      if (!isSettled(watching.job as Job))
        await sleep(Math.min(500 * 2 ** Math.max(silent, failures), longestPauseMs), undefined, { signal })
    }
    return watching.job as Job
  } catch (error) {
    if (options.signal?.aborted === true) throw options.signal.reason
    if (timeout?.aborted === true) throw timedOut(jobId, watching.job)
    throw error
  }
}

interface Watching {
  readonly http: Http
  readonly path: string
  readonly signal: AbortSignal
  readonly options: WaitOptions
  lastEventId: string | undefined
  job: Job | undefined
}

function see(watching: Watching, job: Job): void {
  watching.job = job
  watching.options.onProgress?.(job)
}

async function getJob({ http, path, signal, job }: Watching): Promise<Job> {
  // Once the job was seen, the waiting itself tries again, and tells.
  const retries = job === undefined ? {} : { retryDelaysMs: [] }
  return (await readJson(await http.send({ path, signal, ...retries }))) as unknown as Job
}

/** Until the stream ends or breaks, or the job is settled. Returns whether it brought anything. */
async function followStream(watching: Watching): Promise<boolean> {
  const { http, path, lastEventId } = watching
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), silentStreamMs)
  let broughtAnything = false
  try {
    const response = await http.send({
      path: `${path}/stream`,
      headers: { accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
      signal: AbortSignal.any([watching.signal, silence.signal]),
      retryDelaysMs: [],
    })
    // 204: the job has ended and there is no event that we have not seen.
    if (response.status === 204 || response.body === null) return true
    for await (const message of serverSentEvents(touching(response.body, timer))) {
      broughtAnything = true
      watching.lastEventId = message.id ?? watching.lastEventId
      if (showsJob(message.event as StreamMessage)) see(watching, JSON.parse(message.data) as Job)
      if (isSettled(watching.job as Job)) break
    }
  } catch (error) {
    if (watching.signal.aborted) throw error
    // A stream that breaks off is the normal end of one; that the API is gone is for the poll after it to find.
    if (error instanceof BatchwrightError && error.code !== 'unreachable') throw error
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
  return broughtAnything
}

function showsJob(message: StreamMessage): boolean {
  switch (message) {
    case 'progress':
    case 'end':
      return true
    case 'event':
      return false
    default:
      // A newer server may say more.
      return false
  }
}

async function* touching(chunks: AsyncIterable<Uint8Array>, timer: NodeJS.Timeout): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    timer.refresh()
    yield chunk
  }
}

/** The server, or what stands before it, is gone or not well at the moment. */
function isTemporary(error: unknown): error is BatchwrightError {
  if (!(error instanceof BatchwrightError)) return false
  const { status } = error.details
  return error.code === 'unreachable' || (typeof status === 'number' && (status >= 500 || status === 429))
}

function timedOut(jobId: string, job: Job | undefined): BatchwrightError {
  const state = job === undefined ? 'not answered for' : job.status
  // What is paused by hand stands still until somebody resumes it.
  const next =
    job != null && job.draft !== null
      ? 'it is a draft and waits for its start'
      : job?.status === 'paused'
        ? 'it goes on when it is resumed'
        : 'it goes on'
  return new BatchwrightError('wait_timeout', `job ${jobId} is still ${state} at the end of the time given; ${next}`, {
    details: { job_id: jobId, job },
  })
}
