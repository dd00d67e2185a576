import type { ServerResponse } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { Batchwright, type Job } from './batchwright.ts'
import { answerJson, exampleJob, finishedJob, startScriptedServer, type Handler } from './testing/scripted-server.ts'

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

interface Script {
  /** The job at each GET; the last one stays. */
  readonly jobs: readonly (Job | { status: number; code: string })[]
  /** What each connection to the stream does; the last one stays. */
  readonly streams: readonly ((response: ServerResponse) => void)[]
}

async function serve({ jobs, streams }: Script) {
  let polls = 0
  let connections = 0
  const handler: Handler = (request, response) => {
    if (request.url?.endsWith('/stream') === true) {
      const stream = streams[Math.min(connections++, streams.length - 1)]
      stream?.(response)
      return
    }
    const job = jobs[Math.min(polls++, jobs.length - 1)]
    if (job !== undefined && 'code' in job) answerJson(response, { code: job.code, detail: job.code }, job.status)
    else answerJson(response, job)
  }
  const server = await startScriptedServer(handler)
  cleanUps.push(server.close)
  return { server, jobs: new Batchwright({ url: server.url }).jobs }
}

function send(response: ServerResponse, ...messages: (readonly [event: string, data: unknown, id?: number])[]): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const [event, data, id] of messages) {
    response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
}

const running = exampleJob()
const halfDone = exampleJob({ progress: { done: 2, failed: 0, total: 3 } })

test('progress comes from the stream, and the finished job at its end', async () => {
  const { server, jobs } = await serve({
    jobs: [running],
    streams: [
      (response) => {
        send(response, ['event', { n: 1 }, 1], ['progress', halfDone], ['end', finishedJob()])
        response.end()
      },
    ],
  })
  const seen: number[] = []
  const job = await jobs.wait('k7m2x9qd4hta', { onProgress: ({ progress }) => void seen.push(progress.done) })
  expect(job.status).toBe('completed')
  expect(seen).toEqual([0, 2, 3])
  expect(server.requests.map(({ path }) => path)).toEqual(['/v1/jobs/k7m2x9qd4hta', '/v1/jobs/k7m2x9qd4hta/stream'])
})

test('a stream that breaks is taken up after the last event seen', async () => {
  const { server, jobs } = await serve({
    jobs: [running],
    streams: [
      (response) => {
        send(response, ['event', { n: 7 }, 7], ['progress', halfDone])
        setTimeout(() => response.destroy(), 20)
      },
      (response) => {
        send(response, ['end', finishedJob()])
        response.end()
      },
    ],
  })
  await jobs.wait('k7m2x9qd4hta')
  const streams = server.requests.filter(({ path }) => path.endsWith('/stream'))
  expect(streams.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '7'])
})

test('where streams do not get through, polling ends the waiting', async () => {
  const refuse = (response: ServerResponse) => void response.destroy()
  const { jobs } = await serve({ jobs: [running, running, finishedJob()], streams: [refuse] })
  expect((await jobs.wait('k7m2x9qd4hta')).status).toBe('completed')
})

test('an API that is away for a while is said once it is noticed, and waited for', async () => {
  const away = { status: 503, code: 'database_unavailable' }
  const { jobs } = await serve({ jobs: [running, away, away, finishedJob()], streams: [(response) => void response.destroy()] })
  const lost: string[] = []
  expect((await jobs.wait('k7m2x9qd4hta', { onConnectionLost: ({ code }) => void lost.push(code) })).status).toBe('completed')
  expect(lost).toEqual(['database_unavailable', 'database_unavailable'])
})

test('a job that ended before is not waited for', async () => {
  const { server, jobs } = await serve({ jobs: [finishedJob()], streams: [] })
  expect((await jobs.wait('k7m2x9qd4hta')).status).toBe('completed')
  expect(server.requests).toHaveLength(1)
})

test('a pause that needs a person ends the waiting, one made by hand does not', async () => {
  const byHand = exampleJob({ status: 'paused', pause: { reason: 'user', detail: null } })
  const forAuth = exampleJob({ status: 'paused', pause: { reason: 'auth', detail: '401' } })
  const { jobs } = await serve({
    jobs: [byHand],
    streams: [(response) => send(response, ['progress', byHand], ['progress', forAuth])],
  })
  expect((await jobs.wait('k7m2x9qd4hta')).pause?.reason).toBe('auth')
})

test('after the timeout it says how the job stands', async () => {
  const { jobs } = await serve({ jobs: [running], streams: [(response) => send(response, ['progress', halfDone])] })
  await expect(jobs.wait('k7m2x9qd4hta', { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'wait_timeout',
    details: { job: { progress: { done: 2 } } },
  })
})

test('the caller ends the waiting by its own signal', async () => {
  const { jobs } = await serve({ jobs: [running], streams: [(response) => send(response, ['progress', halfDone])] })
  const controller = new AbortController()
  const waiting = jobs.wait('k7m2x9qd4hta', {
    signal: controller.signal,
    onProgress: ({ progress }) => progress.done === 2 && controller.abort(new Error('enough')),
  })
  await expect(waiting).rejects.toThrow('enough')
})

test('a job that is deleted meanwhile is an error', async () => {
  const { jobs } = await serve({
    jobs: [running, { status: 404, code: 'job_not_found' }],
    streams: [(response) => void response.destroy()],
  })
  await expect(jobs.wait('k7m2x9qd4hta')).rejects.toMatchObject({ code: 'job_not_found' })
})
