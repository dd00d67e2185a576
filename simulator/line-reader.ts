import { createReadStream } from 'node:fs'

/**
 * The lines of a file, as text without their end, in groups of what one read brought: the event loop gets its turn between groups, and no line costs an
 * await. A line is as long as it likes; only its own bytes are held. Bytes that aren't UTF-8 become U+FFFD.
 */
export async function* lineGroups(path: string): AsyncGenerator<string[]> {
  const stream = createReadStream(path, { highWaterMark: 256 << 10 })
  let rest: Buffer[] = []
  for await (const data of stream) {
    const chunk = data as Buffer
    const lines: string[] = []
    let from = 0
    for (let newline = chunk.indexOf(10); newline >= 0; newline = chunk.indexOf(10, from)) {
      if (rest.length === 0) lines.push(chunk.toString('utf8', from, newline))
      else {
        rest.push(chunk.subarray(from, newline))
        lines.push(Buffer.concat(rest).toString('utf8'))
        rest = []
      }
      from = newline + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
    if (lines.length > 0) yield lines
  }
  if (rest.length > 0) yield [Buffer.concat(rest).toString('utf8')]
}
