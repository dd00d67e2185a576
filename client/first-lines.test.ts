import { expect, test } from 'vitest'
import { firstLines } from './first-lines.ts'
import type { ItemSource } from './item-source.ts'

function source(pieces: readonly string[]): { source: ItemSource; read: () => number } {
  let read = 0
  async function* open(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) {
      read += 1
      yield Buffer.from(piece)
    }
  }
  return { source: { name: 'x', mediaType: 'application/x-ndjson', isRepeatable: true, sizeBytes: 9, open }, read: () => read }
}

async function textOf(cut: ItemSource): Promise<string> {
  return Buffer.concat(await Array.fromAsync(cut.open())).toString()
}

test.each([
  ['whole lines', ['a\nb\nc\nd\n'], 'a\nb\n'],
  ['lines over several chunks', ['a', 'a\nb', 'b\nc', 'c\n'], 'aa\nbb\n'],
  ['blank lines are none', ['\n \r\na\n', '\t\n', 'b\nc\n'], '\n \r\na\n\t\nb\n'],
  ['fewer than asked for, the last without its end', ['a\n', 'b'], 'a\nb'],
  ['a byte order mark on a line of its own', ['\ufeff\na\nb\nc\n'], '\ufeff\na\nb\n'],
  ['a line feed in a chunk of its own', ['a', '\n', 'b', '\n', 'c'], 'a\nb\n'],
])('%s', async (_, pieces, expected) => {
  expect(await textOf(firstLines(source(pieces).source, 2))).toBe(expected)
})

test('nothing is read after them, and it can be read again', async () => {
  const { source: whole, read } = source(['a\n', 'b\n', 'c\n', 'd\n'])
  const cut = firstLines(whole, 2)
  expect([await textOf(cut), read()]).toEqual(['a\nb\n', 2])
  expect([await textOf(cut), read()]).toEqual(['a\nb\n', 4])
})
