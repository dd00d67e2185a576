/**
 * Splits bytes into lines, without their line ends; a last line needs none. Split at the byte and decoded by the line: a character may lie across two chunks, and
 * U+2028 is no line end in JSON. Empty lines are left out.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  // The parts of a line that began in an earlier chunk; joined once, however long the line is.
  let parts: Uint8Array[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      const line = decodeLine(parts, chunk.subarray(start, end))
      parts = []
      start = end + 1
      if (line !== '') yield line
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
  }
  const last = decodeLine(parts, new Uint8Array())
  if (last !== '') yield last
}

const lineFeed = 0x0a

function decodeLine(parts: readonly Uint8Array[], end: Uint8Array): string {
  const bytes = parts.length === 0 ? end : Buffer.concat([...parts, end])
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  return text.endsWith('\r') ? text.slice(0, -1) : text
}
