import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadCatalog } from '../../models/catalog.ts'
import type { Provider } from '../provider.ts'
import { createAnthropicProvider } from './provider.ts'

/** For tests: a provider whose server is `listener`, for what no simulator should do. */
export async function startLocalServer(
  listener: RequestListener,
): Promise<{ readonly provider: Provider; readonly url: string; close(): void }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = { name: 'anthropic', kind: 'anthropic', apiKey: 'sk-local', baseUrl: url, simulated: true } as const
  return {
    provider: createAnthropicProvider(settings, loadCatalog()),
    url,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A batch as Anthropic describes it: https://platform.claude.com/docs/en/api/messages/batches/retrieve */
export function messageBatch(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'msgbatch_1',
    type: 'message_batch',
    processing_status: 'in_progress',
    request_counts: { processing: 3, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    created_at: '2026-11-21T10:00:00.123456Z',
    expires_at: '2026-11-22T10:00:00Z',
    ended_at: null,
    cancel_initiated_at: null,
    archived_at: null,
    results_url: null,
    ...more,
  }
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
}
