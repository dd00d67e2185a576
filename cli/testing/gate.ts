import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP port in front of a server that can't be reached until it is opened. */
export interface Gate {
  readonly port: number
  /** Connections that were cut so far. */
  readonly refused: () => number
  open(): void
  close(): Promise<void>
}

/** `host:port`. Connections are cut at once while it is shut: that, and not a port where nothing listens, can be counted. */
export async function startGate(target: string): Promise<Gate> {
  const { hostname: host, port } = new URL(`tcp://${target}`)
  const sockets = new Set<Socket>()
  let isOpen = false
  let refused = 0
  const server = createServer((socket) => {
    if (!isOpen) {
      refused += 1
      socket.destroy()
      return
    }
    const onward = connect({ host, port: Number(port) })
    for (const [one, other] of [[socket, onward] as const, [onward, socket] as const]) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    refused: () => refused,
    open: () => void (isOpen = true),
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
