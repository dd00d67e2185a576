import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

/** A line has this many bytes on average, its line end included: 50,000 of them are 195 MB. */
export const averageLineBytes = 3900
/** Lines are this much longer or shorter, evenly, so that nothing profits from one size. */
const spreadBytes = 400
const linesPerWrite = 500

/**
 * Writes neutral input lines: support conversations of some 4 kB with a `custom_id` and metadata. The same number of items gives the same bytes
 * everywhere. Returns the size of the file.
 */
export async function writeInputFile(path: string, items: number): Promise<number> {
  const random = randomFrom(20_261_121)
  const sentences = Array.from({ length: 4000 }, () => sentence(random))
  const file = createWriteStream(path, { highWaterMark: 4 * 1024 * 1024 })
  let lines: string[] = []
  for (let item = 1; item <= items; item++) {
    lines.push(inputLine(item, sentences, random))
    if (lines.length < linesPerWrite && item < items) continue
    if (!file.write(lines.join(''))) await once(file, 'drain')
    lines = []
  }
  file.end()
  await finished(file)
  return file.bytesWritten
}

function inputLine(item: number, sentences: readonly string[], random: () => number): string {
  const targetBytes = averageLineBytes + ((item % 7) - 3) * spreadBytes
  const metadata = { account: `acc-${(item * 7919) % 100_000}`, channel: item % 3 === 0 ? 'phone' : 'mail' }
  const line = { custom_id: `ticket-${String(item).padStart(6, '0')}`, prompt: '', metadata }
  const fixedBytes = Buffer.byteLength(JSON.stringify(line)) + 1
  const parts: string[] = []
  let bytes = fixedBytes
  for (;;) {
    const next = pick(sentences, random)
    const nextBytes = jsonBytes(next)
    if (bytes + nextBytes > targetBytes) break
    parts.push(next)
    bytes += nextBytes
  }
  // Filled up to the byte, so that the size of the file is known ahead.
  parts.push('.'.repeat(targetBytes - bytes))
  return `${JSON.stringify({ ...line, prompt: parts.join('') })}\n`
}

const knownBytes = new Map<string, number>()

/** Bytes of a text inside of a JSON string. */
function jsonBytes(text: string): number {
  let bytes = knownBytes.get(text)
  if (bytes === undefined) {
    bytes = Buffer.byteLength(JSON.stringify(text)) - 2
    knownBytes.set(text, bytes)
  }
  return bytes
}

const openings = [
  'Hello',
  'Since yesterday',
  'As I wrote before',
  'After the last update',
  'To be clear',
  'On Monday',
  'By the way',
]
const subjects = [
  'the invoice',
  'my export',
  'our second account',
  'the “weekly report”',
  'the API key',
  'this form',
  'Zoë’s login',
]
const verbs = ['does not match', 'was replaced by', 'still shows', 'should have arrived with', 'disappeared from', 'depends on']
const objects = [
  'the order of last month',
  'the page “Settings → Team”',
  'a price of 49,90 €',
  'the confirmation mail',
  'error 0x80070057',
]
const causes = [
  'although we paid in time',
  'which worked before',
  'and nobody could tell why',
  'as the screenshot shows',
  'so we had to stop',
]
const endings = ['. ', '? ', '! ', '.\n', '. "Please try again later" is all it says. ']
const letters = 'etaoinshrdlucmfgypwbvk'

/** A sentence of known phrases with some words of its own, so that it compresses about as well as a person's mail. */
function sentence(random: () => number): string {
  const own = Array.from({ length: 4 + Math.floor(random() * 5) }, () => word(random)).join(' ')
  return `${pick(openings, random)}, ${pick(subjects, random)} ${pick(verbs, random)} ${own} ${pick(objects, random)}, ${pick(causes, random)}${pick(endings, random)}`
}

function word(random: () => number): string {
  return Array.from({ length: 2 + Math.floor(random() * 8) }, () => letters[Math.floor(random() ** 1.7 * letters.length)]).join(
    '',
  )
}

function pick<Value>(values: readonly Value[], random: () => number): Value {
  return values[Math.floor(random() * values.length)] as Value
}

/** mulberry32: small, fast and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
