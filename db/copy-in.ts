import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** The part of a postgres.js query that COPY needs. */
interface CopyStatement {
  writable(): Promise<Writable>
}

/** Runs `COPY … FROM STDIN` with these pieces. Throws what Postgres says, at whatever moment it says it. */
export async function copyIn(statement: CopyStatement, pieces: Iterable<Uint8Array>): Promise<void> {
  const refused = rejectionOf(statement)
  const copy = await statement.writable()
  const done = Promise.race([finished(copy), refused])
  done.catch(() => {})
  for (const piece of pieces) {
    if (copy.destroyed) break
    if (!copy.write(piece)) await Promise.race([once(copy, 'drain'), done])
  }
  copy.end()
  await done
}

/**
 * Rejects when Postgres refuses the statement. postgres.js has resolved its promise with the stream by then, and drops an error that comes
 * after the stream's end (a violated unique index mostly does): it would be waited for without end.
 */
function rejectionOf(statement: CopyStatement): Promise<never> {
  const query = statement as unknown as { reject: (error: Error) => void }
  const settle = query.reject
  return new Promise<never>((_, reject) => {
    query.reject = (error) => {
      reject(error)
      settle(error)
    }
  })
}
