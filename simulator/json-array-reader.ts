import type { IncomingMessage } from 'node:http'
import { BodyTooLarge } from './exchange.ts'

/** The body is not what a JSON object with that array looks like; the message says where. */
export class MalformedBody extends Error {}

const [quote, backslash, comma, colon, openBrace, closeBrace, openBracket, closeBracket] = Buffer.from('"\\,:{}[]')
const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9

/** Where in the body the reader is. */
type Place = 'start' | 'key' | 'colon' | 'value' | 'after' | 'element' | 'after element' | 'end'

/**
 * Reads a JSON object as it comes in and hands over each element of its array `name`, as the bytes that were sent; other members are named to `other` and
 * skipped. Only one element is held at a time. What an element is made of isn't checked: that is for who parses it. Throws MalformedBody, or BodyTooLarge
 * above `mostBytes`; the request stays open, so that it can be answered.
 */
export async function readArrayMember(
  request: IncomingMessage,
  name: string,
  mostBytes: number,
  onElement: (element: Buffer) => Promise<void> | void,
  other: (name: string) => void = () => {},
): Promise<{ found: boolean; bytes: number }> {
  let place = 'start' as Place
  /** Before the first key or element an object or array may end at once, after a comma it may not. */
  let mayEnd = true
  let key = ''
  let bytes = 0
  let found = false
  /** Of the value under way: its bytes from earlier chunks, its brackets, and whether a string is open. */
  let parts: Buffer[] = []
  let depth = 0
  let inString = false
  let escaped = false
  let scalar = false

  const fail = (what: string, at: number): never => {
    throw new MalformedBody(`${what}: byte ${bytes + at}`)
  }

  /** The end of the value that began before `from` or at it; null if it goes on in the next chunk. */
  const endOfValue = (chunk: Buffer, from: number): number | null => {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === backslash) escaped = true
        else if (byte === quote) {
          inString = false
          if (depth === 0) return at + 1
        }
        continue
      }
      if (scalar) {
        if (byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte ?? 0)) {
          scalar = false
          return at
        }
      } else if (byte === quote) inString = true
      else if (byte === openBrace || byte === openBracket) depth++
      else if (byte === closeBrace || byte === closeBracket) {
        depth--
        if (depth === 0) return at + 1
        if (depth < 0) fail('unexpected bracket', at)
      } else if (depth === 0) scalar = true
    }
    return null
  }

  const read = async (chunk: Buffer): Promise<void> => {
    let at = 0
    while (at < chunk.length) {
      // In the middle of a value?
      if (place === 'key' || place === 'value' || place === 'element') {
        const begun = parts.length > 0
        if (!begun) {
          while (at < chunk.length && isSpace(chunk[at] ?? 0)) at++
          if (at >= chunk.length) return
          const byte = chunk[at]
          if (place === 'key' && mayEnd && byte === closeBrace) {
            place = 'end'
            at++
            continue
          }
          if (place === 'key' && byte !== quote) fail('expected a name', at)
          if (place === 'value' && key === name && byte === openBracket) {
            found = true
            place = 'element'
            mayEnd = true
            at++
            continue
          }
          if (place === 'element' && mayEnd && byte === closeBracket) {
            place = 'after'
            at++
            continue
          }
        }
        const end = endOfValue(chunk, at)
        // A copy: the chunk's memory is used again.
        parts.push(Buffer.from(chunk.subarray(at, end ?? chunk.length)))
        if (end === null) return
        at = end
        const value = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
        parts = []
        if (place === 'key') {
          key = nameIn(value)
          if (key !== name) other(key)
          place = 'colon'
        } else if (place === 'element') {
          place = 'after element'
          const waiting = onElement(value)
          if (waiting !== undefined) await waiting
        } else place = 'after'
        continue
      }
      const byte = chunk[at]
      at++
      if (isSpace(byte ?? 0)) continue
      if (place === 'start' && byte === openBrace) place = 'key'
      else if (place === 'colon' && byte === colon) place = 'value'
      else if (place === 'after' && byte === comma) [place, mayEnd] = ['key', false]
      else if (place === 'after' && byte === closeBrace) place = 'end'
      else if (place === 'after element' && byte === comma) [place, mayEnd] = ['element', false]
      else if (place === 'after element' && byte === closeBracket) place = 'after'
      else fail('unexpected character', at - 1)
    }
  }

  for await (const data of request.iterator({ destroyOnReturn: false })) {
    const chunk = data as Buffer
    if (bytes + chunk.length > mostBytes) throw new BodyTooLarge(`the body is larger than ${mostBytes} bytes`)
    await read(chunk)
    bytes += chunk.length
  }
  if (place !== 'end') fail('unexpected end', 0)
  return { found, bytes }
}

function nameIn(text: Buffer): string {
  try {
    return String(JSON.parse(text.toString('utf8')))
  } catch {
    throw new MalformedBody('a name is not a JSON string')
  }
}
