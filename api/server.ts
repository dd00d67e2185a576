import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { BatchwrightError } from '../core/errors.ts'
import type { Config } from '../config/config.ts'
import type { Router } from './router.ts'

/** What a stop waits for running requests, in milliseconds. */
const graceMs = 5000
/** A connection on which nothing moves for this long is given up. */
const silenceMs = 10 * 60_000

export interface ListeningServer {
  readonly url: string
  close(): Promise<void>
}

/** Throws `port_taken` when somebody listens there already, `address_unusable` for an address that this machine does not have. */
export async function listen(router: Router, { host, port }: Config['api']): Promise<ListeningServer> {
  // A large file on a slow line may take longer than Node's five minutes; a sender that goes silent is cut by the socket's own timeout.
  const handle = getRequestListener(router.fetch, { hostname: host })
  const server = createServer(
    { requestTimeout: 0, headersTimeout: 60_000 },
    (incoming, outgoing) => void handle(incoming, outgoing),
  )
  server.timeout = silenceMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)))
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { url: `http://${name}:${address.port}`, close: () => close(server) }
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection whose answer ends later would be kept for its client's next request.
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearInterval(sweep)
  clearTimeout(timer)
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): BatchwrightError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new BatchwrightError('port_taken', `port ${port} on ${host} is taken: stop what listens there, or set PORT`, {
        cause: error,
      })
    case 'EACCES':
      return new BatchwrightError('port_taken', `port ${port} needs more rights than this user has: set PORT to one above 1023`, {
        cause: error,
      })
    case undefined:
    default:
      return new BatchwrightError('address_unusable', `can not listen on ${host}:${port} (${error.code}): check HOST`, {
        cause: error,
      })
  }
}
