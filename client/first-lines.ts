import type { ItemSource } from './item-source.ts'

/** The same source, read no further than its first lines that are not blank. Not for CSV, whose records may go over several lines. */
export function firstLines(source: ItemSource, count: number): ItemSource {
  return { ...source, sizeBytes: null, open: () => cutAfterLines(source.open(), count) }
}

const lineFeed = 0x0a
/** Spaces, and the bytes of a byte order mark, which may stand before the first line. */
const blanks: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0d, 0xef, 0xbb, 0xbf])

async function* cutAfterLines(chunks: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = count
  let hasText = false
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length;) {
      const end = chunk.indexOf(lineFeed, start)
      const stop = end < 0 ? chunk.length : end
      for (let at = start; !hasText && at < stop; at++) hasText = !blanks.has(chunk[at])
      start = stop + 1
      if (end < 0 || !hasText) continue
      hasText = false
      left -= 1
      if (left > 0) continue
      yield chunk.subarray(0, end + 1)
      return
    }
    yield chunk
  }
}
