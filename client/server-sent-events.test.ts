import { expect, test } from 'vitest'
import { serverSentEvents } from './server-sent-events.ts'

async function collect(text: string, size: number) {
  const bytes = new TextEncoder().encode(text)
  async function* chunks() {
    for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size)
  }
  return await Array.fromAsync(serverSentEvents(chunks()))
}

const stream = ': hello\n\nid: 4\nevent: job\ndata: {"a":\ndata: "é"}\n\ndata: plain\r\n\r\nid: 9\nevent: cut off'

test.for([1, 2, 7, 1000])('an event stream in chunks of %i bytes', async (size) => {
  expect(await collect(stream, size)).toEqual([
    { id: '4', event: 'job', data: '{"a":\n"é"}' },
    { id: '4', event: 'message', data: 'plain' },
  ])
})
