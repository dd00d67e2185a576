import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitLines } from './line-splitter.ts'

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const options = { maxLineBytes: 100_000_000 }

async function split(bytes: Uint8Array, size = 64): Promise<string[]> {
  return (await Array.fromAsync(splitLines(inChunks(bytes, size), options))).map((line) => line.text)
}

test('lines are the same however the bytes are cut, characters included', async () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => `x${text.replaceAll(/[\r\n]/g, '')}`)
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), fc.constantFrom('\n', '\r\n'), async (lines, size, end) => {
      const text = lines.map((each) => each + end).join('')
      expect(await split(Buffer.from(text), size)).toEqual(lines)
    }),
  )
})

test('blank lines are left out but counted, and a last line without its end is told apart', async () => {
  const lines = await Array.fromAsync(splitLines(inChunks(Buffer.from('\n{"a":1}\r\n  \n{"b":2}'), 3), options))
  expect(lines).toEqual([
    { lineNumber: 2, text: '{"a":1}', terminated: true },
    { lineNumber: 4, text: '{"b":2}', terminated: false },
  ])
})

test('a byte order mark is not part of the first line', async () => {
  expect(await split(Buffer.from('\uFEFF{"a":1}\n\uFEFFb'))).toEqual(['{"a":1}', '\uFEFFb'])
})

test('invalid UTF-8 names its line, or is replaced where asked', async () => {
  const bytes = Buffer.concat([Buffer.from('ok\n'), Buffer.from([0x61, 0xff, 0x62, 0x0a])])
  await expect(split(bytes)).rejects.toMatchObject({ code: 'invalid_utf8', details: { line: 2 } })
  const replaced = await Array.fromAsync(splitLines(inChunks(bytes, 2), { ...options, invalidUtf8: 'replace' }))
  expect(replaced[1]?.text).toBe('a\uFFFDb')
})

test('a line beyond the limit is refused before it is complete', async () => {
  let given = 0
  const endless = async function* () {
    for (;;) {
      given += 1
      yield Buffer.alloc(1000, 'a')
    }
  }
  await expect(Array.fromAsync(splitLines(endless(), { maxLineBytes: 5_000 }))).rejects.toMatchObject({
    code: 'line_too_long',
    details: { line: 1 },
  })
  expect(given).toBe(6)
})

test('a line of 20 MB in small chunks comes out whole, and fast', async () => {
  const long = 'é'.repeat(10_000_000)
  const startedAt = performance.now()
  const lines = await split(Buffer.from(`${long}\nb\n`), 16_384)
  expect(lines.map((line) => line.length)).toEqual([10_000_000, 1])
  // Joining the pieces anew for each chunk would take minutes.
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
