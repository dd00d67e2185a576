import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

import { BatchwrightError } from '../core/errors.ts'

// Below the ranges that Linux (32768 up) and macOS (49152 up) take for outgoing connections: a remembered port of ours must still
// be free at the next start, and a client that reconnects to a stopped server must not be given the server's own port.
const firstPort = 20_000
const lastPort = 32_000

/** Whether 127.0.0.1:`port` can be listened on now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Whether something accepts connections at 127.0.0.1:`port` now. */
export function isPortListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/** A port of 127.0.0.1 that is free now: `preferred`, if it is. Throws `no_free_port`. */
export async function findFreePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isPortFree(preferred))) return preferred
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(firstPort, lastPort)
    if (await isPortFree(port)) return port
  }
  throw new BatchwrightError('no_free_port', `No free port found between ${firstPort} and ${lastPort} on 127.0.0.1`)
}
