import { Readable } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { BodyTooLarge } from './exchange.ts'
import { MalformedBody, readArrayMember } from './json-array-reader.ts'
import { randomFrom } from './random.ts'

interface Read {
  elements: unknown[]
  others: string[]
  found: boolean
  bytes: number
}

async function read(chunks: readonly Buffer[], mostBytes = 1_000_000): Promise<Read> {
  const elements: unknown[] = []
  const others: string[] = []
  const result = await readArrayMember(
    Readable.from(chunks) as IncomingMessage,
    'requests',
    mostBytes,
    (element) => void elements.push(JSON.parse(element.toString('utf8'))),
    (name) => others.push(name),
  )
  return { elements, others, ...result }
}

/** Every way in which a few random cuts may fall. */
function cut(text: string, seed: number): Buffer[] {
  const bytes = Buffer.from(text)
  const random = randomFrom(seed)
  const cuts = Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() * bytes.length)).sort(
    (a, b) => a - b,
  )
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length))
}

const requests = [
  { custom_id: 'a', params: { text: 'quotes " and \\ and \\" and ü and 💥 and }]' } },
  { nested: [[], {}, [{ x: ']' }], '"', '\\'], empty: '' },
  [1, -2.5e3, true, null],
  'a string, with [brackets] and "quotes"',
  7,
  true,
  {},
]

describe('a reader of an array in a JSON body', () => {
  it('hands over every element, however the body is cut', async () => {
    for (const text of [
      JSON.stringify({ requests }),
      JSON.stringify({ before: { requests: [1] }, requests, after: ['x', { y: '}' }], last: 3 }),
      JSON.stringify({ requests }, null, 2),
      ` { "requests"\n:\t[ ${requests.map((element) => ` ${JSON.stringify(element)}\r\n`).join(',')} ] } `,
    ]) {
      for (let seed = 0; seed < 200; seed++) {
        const { elements, found, bytes } = await read(cut(text, seed))
        expect({ elements, found, bytes }, `seed ${seed}`).toEqual({
          elements: requests,
          found: true,
          bytes: Buffer.byteLength(text),
        })
      }
      expect((await read([...Buffer.from(text)].map((byte) => Buffer.from([byte])))).elements).toEqual(requests)
    }
  })

  it('names the other members', async () => {
    expect(await read([Buffer.from('{"a": 1, "requests": [], "b": "x"}')])).toMatchObject({ others: ['a', 'b'], found: true })
    expect(await read([Buffer.from('{}')])).toMatchObject({ elements: [], found: false })
  })

  it.each([
    '',
    '[]',
    '{',
    '{"requests": [1',
    '{"requests": [1,]}',
    '{"requests": []',
    '{"a": 1,}',
    '{"requests": [1]} x',
    '{"a" 1}',
    '{a: 1}',
    '{"requests": [1 2]}',
  ])('refuses %s', async (text) => {
    await expect(read([Buffer.from(text)])).rejects.toThrow(MalformedBody)
  })

  it('refuses more than the most bytes', async () => {
    const body = Buffer.from(JSON.stringify({ requests }))
    await expect(read([body, body], body.length)).rejects.toThrow(BodyTooLarge)
    expect((await read([body], body.length)).found).toBe(true)
  })
})
