import { connect, type Socket } from 'node:net'

/** The part of postgres.js's parsed options that says where to connect. */
interface Destination {
  readonly host: readonly string[]
  readonly port: readonly number[]
  /** A Unix socket, or false. */
  readonly path?: string | false
}

/**
 * Makes the sockets of postgres.js, which leaves Nagle's algorithm on: a COPY ends with two small writes, and each then waits 40 ms for a
 * delayed acknowledgement. Its `socket` option is not in its types; what it takes is a socket that may still be connecting.
 */
export function createSocketConnector(): (destination: Destination) => Socket {
  let attempts = 0
  return ({ host, port, path }) => {
    if (typeof path === 'string') return connect({ path })
    // With several hosts, each connection tries the next one, as postgres.js does itself.
    const index = attempts++ % host.length
    const name = host[index] ?? 'localhost'
    const socket = connect({ host: name, port: port[index] ?? 5432, noDelay: true })
    // postgres.js asks TLS for this name.
    return Object.assign(socket, { host: name })
  }
}
