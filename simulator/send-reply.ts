import { createReadStream } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import type { Reply, ServerEvent } from './exchange.ts'

const readBytes = 1 << 20

/** Sends a reply, or only its first bytes before the connection is cut. Resolves to whether all of it went out. */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  truncateAfterBytes: number | null = null,
): Promise<boolean> {
  try {
    switch (reply.type) {
      case 'json': {
        const body = Buffer.from(JSON.stringify(reply.body))
        response.writeHead(reply.status, { 'content-type': 'application/json', 'content-length': body.length, ...reply.headers })
        if (truncateAfterBytes !== null) return await sendPart(response, body.subarray(0, truncateAfterBytes))
        response.end(body)
        break
      }
      case 'file': {
        const most = truncateAfterBytes ?? reply.truncateAfterBytes
        response.writeHead(200, {
          'content-type': reply.contentType ?? 'application/octet-stream',
          ...(reply.streamed === true ? {} : { 'content-length': reply.bytes }),
        })
        if (most !== undefined && most < reply.bytes) return await sendFilePart(response, reply.path, most)
        if (reply.bytes === 0) response.end()
        else await pipeline(createReadStream(reply.path, { highWaterMark: readBytes }), response)
        break
      }
      case 'events': {
        const events = reply.events.map(eventText).join('')
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
        if (truncateAfterBytes !== null) return await sendPart(response, Buffer.from(events).subarray(0, truncateAfterBytes))
        response.end(events)
        break
      }
      case 'lines':
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        await pipeline(Readable.from(reply.chunks), response)
        break
      case 'drop':
        response.destroy()
        return false
    }
    await finished(response)
    return true
  } catch {
    // The client went away.
    response.destroy()
    return false
  }
}

function eventText(event: ServerEvent): string {
  return typeof event === 'string' ? `data: ${event}\n\n` : `event: ${event.name}\ndata: ${event.data}\n\n`
}

async function sendFilePart(response: ServerResponse, path: string, bytes: number): Promise<false> {
  if (bytes > 0) {
    for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: readBytes })) {
      await new Promise<void>((resolve) => response.write(chunk, () => resolve()))
    }
  }
  return sendPart(response, Buffer.alloc(0))
}

/** Ends the connection below HTTP, so that the client misses the rest of what Content-Length promised. */
async function sendPart(response: ServerResponse, part: Buffer): Promise<false> {
  response.flushHeaders()
  if (part.length > 0) await new Promise<void>((resolve) => response.write(part, () => resolve()))
  response.socket?.end()
  return false
}
