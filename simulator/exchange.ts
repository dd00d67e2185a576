import type { IncomingMessage } from 'node:http'

/** One HTTP call to a provider, with what its handler needs. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly url: URL
  /** The parts of the path that the route leaves open, in order. */
  readonly params: readonly string[]
  /** The project of the caller: the fingerprint of its API key. */
  readonly key: string
  /** Aborted when the simulator stops: ends waiting. */
  readonly stopped: AbortSignal
  /** Set while the handler runs, for the books. */
  readonly made: { applied: boolean; objectId: string | null; inputFileId?: string }
}

/** A server-sent event: its data, alone or with a name. */
export type ServerEvent = string | { readonly name: string; readonly data: string }

/** What a handler answers; the server sends it, or cuts it off when a fault says so. */
export type Reply =
  | {
      readonly type: 'json'
      readonly status: number
      readonly body: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  | {
      readonly type: 'file'
      readonly path: string
      readonly bytes: number
      readonly truncateAfterBytes?: number | undefined
      readonly contentType?: string
      /** Sent in chunks, without its length. */
      readonly streamed?: boolean
    }
  | { readonly type: 'events'; readonly events: readonly ServerEvent[] }
  | { readonly type: 'lines'; readonly chunks: AsyncIterable<Buffer> }
  /** Applied, but the connection is cut. */
  | { readonly type: 'drop' }

export function json(body: unknown, status = 200): Reply {
  return { type: 'json', status, body }
}

export class BodyTooLarge extends Error {}

/** The body as JSON. Throws SyntaxError when it isn't, BodyTooLarge above `mostBytes`; the request stays open, so that it can be answered. */
export async function readJson(request: IncomingMessage, mostBytes = 64 << 20): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const data = chunk as Buffer
    bytes += data.length
    if (bytes > mostBytes) throw new BodyTooLarge(`the body is larger than ${mostBytes} bytes`)
    chunks.push(data)
  }
  return bytes === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
