import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Job } from '../../api/contracts/jobs.ts'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Only what was read of it. */
  body: string
}

export type Handler = (request: IncomingMessage, response: ServerResponse, seen: SeenRequest) => Promise<void> | void

/** An HTTP server that breaks off, stalls and answers as a test says: what a real API does only by accident. */
export async function startScriptedServer(
  handler: Handler,
  port = 0,
): Promise<{ url: string; requests: SeenRequest[]; close: () => Promise<void> }> {
  const requests: SeenRequest[] = []
  const server = createServer((request, response) => {
    const seen: SeenRequest = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: '' }
    requests.push(seen)
    void Promise.resolve(handler(request, response, seen)).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export async function readBody(request: IncomingMessage, seen: SeenRequest): Promise<string> {
  return (seen.body = await text(request))
}

export function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' })
  response.end(JSON.stringify(body))
}

export function exampleJob(changes: Partial<Job> = {}): Job {
  return {
    id: 'k7m2x9qd4hta',
    name: null,
    status: 'in_progress',
    pause: null,
    provider: 'openai',
    model: 'gpt-5-mini',
    endpoint: '/v1/chat/completions',
    simulated: true,
    priority: 'normal',
    tags: {},
    spec: {},
    counts: { total: 3, pending: 0, submitted: 3, succeeded: 0, failed: 0, expired: 0, cancelled: 0 },
    draft: null,
    rejected_lines: 0,
    progress: { done: 0, failed: 0, total: 3 },
    batches: { total: 1, open: 1 },
    round: 1,
    earlier_attempts: 0,
    usage: { input_tokens: 0, output_tokens: 0 },
    cost_usd: '0',
    unpriced_items: 0,
    error: null,
    next_poll_at: null,
    created_at: '2026-11-21T07:00:00.000Z',
    queued_at: null,
    started_at: null,
    ended_at: null,
    temporal_ui_url: null,
    ...changes,
  }
}

export function finishedJob(changes: Partial<Job> = {}): Job {
  return exampleJob({
    status: 'completed',
    counts: { total: 3, pending: 0, submitted: 0, succeeded: 3, failed: 0, expired: 0, cancelled: 0 },
    progress: { done: 3, failed: 0, total: 3 },
    batches: { total: 1, open: 0 },
    ended_at: '2026-11-21T07:01:20.000Z',
    ...changes,
  })
}
