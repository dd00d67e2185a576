import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitUntil } from './wait-until.ts'

export interface ReceivedWebhook {
  readonly headers: Record<string, string>
  readonly body: string
}

export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string
  readonly received: readonly ReceivedWebhook[]
  /** What the next calls are answered with; then 200 again. `hold` answers none of them. */
  answerWith(...statuses: (number | 'hold')[]): void
  /** Waits until so many calls have come. */
  waitFor(count: number): Promise<readonly ReceivedWebhook[]>
}

/** An endpoint on this machine, as somebody would register it with a provider. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = []
  const answers: (number | 'hold')[] = []
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      received.push({ headers: flat(request.headers), body })
      const answer = answers.shift() ?? 200
      if (answer !== 'hold') response.writeHead(answer, { location: '/elsewhere' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    received,
    answerWith: (...statuses) => void answers.push(...statuses),
    waitFor: (count) =>
      waitUntil(
        async () => received,
        ({ length }) => length >= count,
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
  return Buffer.concat(chunks).toString()
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
