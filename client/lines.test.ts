import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from './lines.ts'

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size)
}

async function collect(text: string, size: number): Promise<string[]> {
  return await Array.fromAsync(linesOf(chunksOf(new TextEncoder().encode(text), size)))
}

test('lines are the same wherever the chunks are cut, within a character too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'binary', minLength: 1 })),
      fc.integer({ min: 1, max: 20 }),
      async (strings, size) => {
        const lines = strings.map((string) => JSON.stringify(string.toWellFormed()))
        expect(await collect(lines.map((line) => `${line}\n`).join(''), size)).toEqual(lines)
      },
    ),
  )
})

test('a last line needs no line end, CRLF counts as one, empty lines are left out', async () => {
  expect(await collect('{"a":1}\r\n\n{"b":2}', 3)).toEqual(['{"a":1}', '{"b":2}'])
})

test('U+2028 inside a line is no line end', async () => {
  expect(await collect('{"a":"x\u2028y"}\n', 4)).toEqual(['{"a":"x\u2028y"}'])
})
