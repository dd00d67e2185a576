import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadCatalog } from '../../models/catalog.ts'
import type { Provider } from '../provider.ts'
import type { InlineRule } from './inline.ts'
import { createGeminiProvider } from './provider.ts'

/** For tests: a provider whose server is `listener`, for what no simulator should do. */
export async function startLocalServer(
  listener: RequestListener,
  inline?: InlineRule,
): Promise<{ readonly provider: Provider; readonly url: string; close(): void }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/gemini`
  const settings = { name: 'gemini', kind: 'gemini', apiKey: 'key-local', baseUrl: url, simulated: true } as const
  return {
    provider: createGeminiProvider(settings, loadCatalog(), inline),
    url,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A batch as Gemini describes it: https://ai.google.dev/api/batch-api#Operation */
export function batchOperation(
  metadata: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    name: 'batches/b1',
    metadata: {
      '@type': 'type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch',
      name: 'batches/b1',
      model: 'models/gemini-2.5-flash',
      displayName: 'job-x-batch-1-attempt-1',
      inputConfig: { fileName: 'files/in' },
      createTime: '2026-11-21T10:00:00.123456789Z',
      updateTime: '2026-11-21T10:00:00.123456789Z',
      batchStats: { requestCount: '3', pendingRequestCount: '3' },
      state: 'BATCH_STATE_PENDING',
      ...metadata,
    },
    ...more,
  }
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
}

export function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body))
}
