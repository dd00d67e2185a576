import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../api/contracts/jobs.ts'
import type { Result } from '../api/contracts/results.ts'
import { parseExactJson } from '../core/exact-json.ts'
import { queryOf, type ResultFilters } from './filters.ts'
import { isConnectionFailure, unreachable, type Http } from './http.ts'
import { linesOf } from './lines.ts'
import { isSettled } from './wait-for-job.ts'

export interface ReadResultsOptions extends ResultFilters {
  /** Until the job is settled: new answers as they come, each once, in the order of their arrival. */
  readonly follow?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

const retryDelaysMs = [250, 1000, 4000]
const followIntervalMs = 1000

/** The outcomes so far, in input order; one at a time, whatever the size of the job. After a broken connection it goes on where it was. */
export async function* readResults(
  http: Http,
  jobId: string,
  options: ReadResultsOptions = {},
): AsyncGenerator<Result, void, undefined> {
  if (options.follow === true) yield* followResults(http, jobId, options)
  else yield* finishedResults(http, jobId, options)
}

async function* finishedResults(http: Http, jobId: string, options: ReadResultsOptions): AsyncGenerator<Result, void, undefined> {
  const { status, signal } = options
  let afterSeq = options.after_seq ?? 0
  let left = options.limit ?? Number.POSITIVE_INFINITY
  for (let failures = 0; left > 0;) {
    const query = queryOf({ after_seq: afterSeq, status, limit: Number.isFinite(left) ? left : undefined })
    const response = await http.send({ path: `/v1/jobs/${encodeURIComponent(jobId)}/results`, query, signal })
    try {
      for await (const line of linesOf(response.body ?? new ReadableStream<Uint8Array>())) {
        const result = parseExactJson(line) as Result
        yield result
        afterSeq = result.seq
        left--
        failures = 0
      }
      return
    } catch (error) {
      const delayMs = retryDelaysMs[failures++]
      if (signal?.aborted === true || !isConnectionFailure(error)) throw error
      if (delayMs === undefined) throw unreachable(http.url, error)
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal })
    }
  }
}

/**
 * Answers don't arrive in order (an item that is sent again comes later than its neighbours), so every pass starts after the last item up to
 * which nothing is missing, and leaves out what it has given already: one bit an item.
 */
async function* followResults(http: Http, jobId: string, options: ReadResultsOptions): AsyncGenerator<Result, void, undefined> {
  const { signal, limit } = options
  let left = limit ?? Number.POSITIVE_INFINITY
  let given = new Uint8Array()
  let allBefore = options.after_seq ?? 0
  let seenEnds = -1
  for (;;) {
    const job = (await (await http.send({ path: `/v1/jobs/${encodeURIComponent(jobId)}`, signal })).json()) as Job
    if (given.length === 0 && job.counts.total > 0) given = new Uint8Array(Math.ceil((job.counts.total + 1) / 8))
    const ends = endsOf(job)
    if (ends !== seenEnds && given.length > 0) {
      seenEnds = ends
      for await (const result of finishedResults(http, jobId, { after_seq: allBefore, status: options.status, signal })) {
        if (hasBit(given, result.seq)) continue
        setBit(given, result.seq)
        yield result
        if (--left <= 0) return
      }
      while (hasBit(given, allBefore + 1)) allBefore++
    }
    if (isSettled(job)) return
    await sleep(followIntervalMs, undefined, signal === undefined ? {} : { signal })
  }
}

function endsOf({ counts }: Job): number {
  return counts.succeeded + counts.failed + counts.expired + counts.cancelled
}

function hasBit(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
}

function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
}
