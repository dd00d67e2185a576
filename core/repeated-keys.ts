import { isExactNumber } from './exact-json.ts'
import { formatPath } from './json-path.ts'

/**
 * The path of a key that an object in a JSON text has twice, or null. `JSON.parse` keeps the last of them and says nothing: the other would be
 * lost without a word. `value` is what the text was parsed to. Keys are only counted, in the text and in the value, at a few nanoseconds a quote; who
 * it is is looked for when there is one too many.
 */
export function repeatedKeyIn(text: string, value: unknown): string | null {
  return countKeys(value) === countWrittenKeys(text) ? null : findRepeatedKey(text)
}

/** Said of a key at this path. */
export const repeatedKey = 'is there twice in one object: only one of them would count'

function countKeys(value: unknown): number {
  // A number that was kept as it was written is an object with a field, of which the text knows nothing.
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return 0
  let keys = 0
  if (Array.isArray(value)) for (const element of value) keys += countKeys(element)
  else for (const element of Object.values(value)) keys += 1 + countKeys(element)
  return keys
}

/** A text before a colon is a key. */
function countWrittenKeys(text: string): number {
  let keys = 0
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfText(text, start)
    if (text.charCodeAt(skipSpace(text, end)) === colon) keys += 1
    start = text.indexOf('"', end)
  }
  return keys
}

function findRepeatedKey(text: string): string | null {
  // Each level with where it is: the key or the index of its element, and of an object the keys that it has had.
  const levels: Array<{ keys: Set<string> | null; at: string | number }> = []
  for (let position = 0; position < text.length; position++) {
    const character = text[position]
    const level = levels.at(-1)
    if (character === '{') levels.push({ keys: new Set(), at: '' })
    else if (character === '[') levels.push({ keys: null, at: 0 })
    else if (character === '}' || character === ']') levels.pop()
    else if (character === ',' && typeof level?.at === 'number') level.at += 1
    else if (character === '"') {
      const end = endOfText(text, position)
      if (level?.keys != null && text.charCodeAt(skipSpace(text, end)) === colon) {
        const key = JSON.parse(text.slice(position, end)) as string
        level.at = key
        if (level.keys.has(key)) return formatPath(levels.map(({ at }) => at))
        level.keys.add(key)
      }
      position = end - 1
    }
  }
  return null
}

const colon = 0x3a
const backslash = 0x5c

/** Behind the quote that ends the text which begins here. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text.charCodeAt(before) === backslash) before -= 1
    // A quote behind an odd number of backslashes is a part of the text.
    if ((end - before) % 2 === 1) return end + 1
  }
}

function skipSpace(text: string, from: number): number {
  let position = from
  // In JSON, space is nothing but blank, tab and line ends.
  while (text.charCodeAt(position) <= 0x20) position += 1
  return position
}
