export interface ServerSentEvent {
  /** What `Last-Event-ID` takes to go on after this one. */
  readonly id: string | undefined
  /** `message` when the server names none. */
  readonly event: string
  readonly data: string
}

/** Reads an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). A comment is nothing; an unfinished event at the end is dropped. */
export async function* serverSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent, void, undefined> {
  let id: string | undefined
  let event = ''
  let data: string[] = []
  for await (const line of eventStreamLines(chunks)) {
    if (line === '') {
      if (data.length > 0) yield { id, event: event === '' ? 'message' : event, data: data.join('\n') }
      event = ''
      data = []
      continue
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'id') id = value
    else if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
}

/** Here empty lines count, which `linesOf` leaves out. */
async function* eventStreamLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/)
    rest = lines.pop() ?? ''
    yield* lines
  }
}
