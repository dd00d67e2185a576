import type { RequestListener, ServerResponse } from 'node:http'

/** For tests of what is sent from a file: a server that takes a request slowly, and watches the memory of the sender, which is in the same process. */
export function createSlowReceiver(answer: (response: ServerResponse) => void) {
  const before = process.memoryUsage().arrayBuffers
  const seen = { received: 0, peak: 0 }
  const listener: RequestListener = (request, response) => {
    request.on('data', (chunk: Buffer) => {
      seen.received += chunk.length
      seen.peak = Math.max(seen.peak, process.memoryUsage().arrayBuffers - before)
      request.pause()
      setImmediate(() => request.resume())
    })
    request.on('end', () => answer(response))
  }
  return { listener, seen }
}
