import { setTimeout as sleep } from 'node:timers/promises'
import { BatchwrightError, describeError } from '../core/errors.ts'
import { isTerminalJobStatus } from '../core/statuses.ts'
import { listEvents } from '../db/job-events.ts'
import { findJob } from '../db/jobs.ts'
import { streamHeaders, type StreamMessage } from './contracts/events.ts'
import { jobParams } from './contracts/jobs.ts'
import type { Dependencies } from './dependencies.ts'
import { toEventJson } from './events.ts'
import { toJobJson } from './job-json.ts'
import { addRoute, type Router } from './router.ts'

const eventsPerRead = 500
/** Proxies close connections that say nothing for a minute or less. */
const heartbeatMs = 15_000

/** `GET /v1/jobs/{id}/stream`: the history as it grows, and the job as it changes, as Server-Sent Events. */
export function addStreamRoute(router: Router, dependencies: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/stream',
      summary: 'Follow a job as Server-Sent Events',
      description:
        '`event`: an event of the history, with its number as id; `progress`: the job as it is now, when it changed, at most once a second; `end`: the job, when it is over and all events were sent. Goes on after `Last-Event-ID`.',
      tag: 'jobs',
      params: jobParams,
      headers: streamHeaders,
      responses: {
        200: {
          description: 'A stream that ends with the job.',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
        204: { description: 'The job is over, and `Last-Event-ID` is its last event: nothing will come.' },
      },
    },
    async ({ context, params, headers }) => {
      const { job } = await findJob(dependencies.database, params.id)
      const lastEventId = headers['last-event-id']
      if (lastEventId !== undefined && isTerminalJobStatus(job.status) && Number(lastEventId) >= job.eventCount)
        return context.body(null, 204)
      const messages = follow(dependencies, job.id, Number(lastEventId ?? 0), context.req.raw.signal)
      // The first message is waited for, so that a failure is still an answer and not a broken stream.
      const first = await messages.next()
      async function* bytes(): AsyncGenerator<Uint8Array> {
        const encoder = new TextEncoder()
        if (first.done !== true) yield encoder.encode(first.value)
        for await (const message of messages) yield encoder.encode(message)
      }
      return new Response(ReadableStream.from(bytes()), {
        // A buffering proxy would hold the messages back.
        headers: {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-cache, no-transform',
          'x-accel-buffering': 'no',
        },
      })
    },
  )
}

async function* follow(
  { database, config, events, stopping, logger, progressMs }: Dependencies,
  jobId: string,
  lastEventId: number,
  closed: AbortSignal,
): AsyncGenerator<string> {
  const bell = createBell(AbortSignal.any([closed, stopping]))
  const unsubscribe = await events.subscribe(jobId, bell.ring)
  let after = lastEventId
  let shown = ''
  let sentAtMs = Date.now()
  try {
    yield ': following\n\n'
    while (!bell.isStopped()) {
      // Read before its events: when it is over, none come after those that follow here.
      const summarized = await findJob(database, jobId)
      for (let read = eventsPerRead; read === eventsPerRead;) {
        const rows = await listEvents(database.drizzle, jobId, after, eventsPerRead)
        for (const row of rows) yield message('event', toEventJson(row), row.n)
        after = rows.at(-1)?.n ?? after
        read = rows.length
        if (read > 0) sentAtMs = Date.now()
      }
      const job = toJobJson(summarized, config.temporal)
      const text = JSON.stringify(job)
      if (isTerminalJobStatus(job.status) && after >= summarized.job.eventCount) {
        yield message('end', job)
        return
      }
      if (text !== shown) {
        yield message('progress', job)
        shown = text
        sentAtMs = Date.now()
      } else if (Date.now() - sentAtMs >= heartbeatMs) {
        yield ': still here\n\n'
        sentAtMs = Date.now()
      }
      await bell.wait(progressMs)
    }
  } catch (error) {
    // The job was deleted meanwhile, or Postgres went away: the reader connects again and is told.
    if (!(error instanceof BatchwrightError)) logger.warn({ jobId, error: describeError(error) }, 'a stream of events broke off')
    throw error
  } finally {
    unsubscribe()
  }
}

function message(event: StreamMessage, data: object, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Something to wait for that can be rung before anybody waits. */
function createBell(stopped: AbortSignal) {
  let isRung = false
  let wake: (() => void) | null = null
  const ring = () => {
    isRung = true
    wake?.()
  }
  stopped.addEventListener('abort', ring, { once: true })
  return {
    ring,
    isStopped: () => stopped.aborted,
    async wait(longestMs: number): Promise<void> {
      const timer = new AbortController()
      if (!isRung) {
        await Promise.race([
          new Promise<void>((resolve) => (wake = resolve)),
          sleep(longestMs, undefined, { signal: timer.signal }).catch(() => {}),
        ])
      }
      timer.abort()
      wake = null
      isRung = false
    },
  }
}
