import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readByteLines } from './byte-lines.ts'

async function linesOf(chunks: readonly Uint8Array[], longest?: number) {
  const lines: Array<{ number: number; text: string; problem: string | null; terminated: boolean }> = []
  async function* source() {
    yield* chunks
  }
  for await (const batch of readByteLines(source(), longest)) {
    lines.push(
      ...batch.map(({ number, bytes, problem, terminated }) => ({ number, text: bytes.toString(), problem, terminated })),
    )
  }
  return lines
}

/** The same bytes in chunks of this size. */
function cut(bytes: Buffer, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
}

describe('lines of a byte stream', () => {
  test('are the same however the bytes are cut into chunks', async () => {
    const text = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\n'), fc.constant('\r\n'), fc.constant('é日🙂')), {
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (pieces, size) => {
        const bytes = Buffer.from(pieces.join(''))
        expect(await linesOf(cut(bytes, size))).toEqual(await linesOf([bytes]))
      }),
    )
  })

  test('come without line ends and byte order mark; blank ones are counted and left out', async () => {
    expect(await linesOf([Buffer.from('\uFEFFa\r\n\n \t\r\nb\nc')])).toEqual([
      { number: 1, text: 'a', problem: null, terminated: true },
      { number: 4, text: 'b', problem: null, terminated: true },
      { number: 5, text: 'c', problem: null, terminated: false },
    ])
  })

  test.each([1, 3, 100])('that are bad are told from those around them (chunks of %i bytes)', async (size) => {
    const bytes = Buffer.concat([Buffer.from('ok\n'), Buffer.from([0xff, 0x0a]), Buffer.from('too long\nfine\n')])
    expect((await linesOf(cut(bytes, size), 5)).map(({ number, problem }) => [number, problem])).toEqual([
      [1, null],
      [2, 'invalid_utf8'],
      [3, 'too_long'],
      [4, null],
    ])
  })
})
