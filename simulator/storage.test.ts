import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { curves, finishedPart } from './completion-curve.ts'
import { openJournal } from './journal.ts'
import { lineGroups } from './line-reader.ts'
import { costNanoDollars, knownPrice, openaiPrices } from './prices.ts'
import { shuffledIndexes } from './random.ts'
import { createSpool } from './spool.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'simulator-test-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('a spool', () => {
  it('gives back records in any order, from memory and from disk', () => {
    const spool = createSpool(join(directory, 'spool'))
    const records = Array.from({ length: 3000 }, (_value, index) => `${index}:${'ü'.repeat(index)}`)
    const places = records.map((text) => ({ offset: spool.append(text), length: spool.lastLength }))
    for (const index of shuffledIndexes(records.length, 7)) {
      const place = places[index]
      expect(spool.read(place?.offset ?? 0, place?.length ?? 0).toString()).toBe(records[index])
    }
    expect(readFileSync(join(directory, 'spool')).length).toBeGreaterThan(1 << 20)
    spool.discard()
    expect(() => readFileSync(join(directory, 'spool'))).toThrow('ENOENT')
  })
})

describe('a line reader', () => {
  it('finds every line, however long, with or without a last newline', async () => {
    const lines = ['', 'ü'.repeat(200_000), 'a', '', 'x'.repeat(600_000), 'end']
    const path = join(directory, 'lines')
    writeFileSync(path, lines.join('\n'))
    const read: string[] = []
    for await (const group of lineGroups(path)) read.push(...group)
    expect(read).toEqual(lines)
  })
})

describe('a journal', () => {
  it('replays what was appended and goes on behind it', () => {
    const path = join(directory, 'journal')
    for (const number of [1, 2, 3]) {
      const seen: { number: number }[] = []
      const journal = openJournal<{ number: number }>(path, (entry) => seen.push(entry))
      journal.append({ number })
      journal.close()
      expect(seen.map((entry) => entry.number)).toEqual([1, 2, 3].slice(0, number - 1))
    }
  })

  it('drops a last line that was cut short', () => {
    const path = join(directory, 'journal')
    writeFileSync(path, '{"number":1}\n{"numb')
    openJournal(path, () => {}).close()
    expect(readFileSync(path, 'utf8')).toBe('{"number":1}\n')
  })
})

describe('completion curves', () => {
  it.each(curves)('%s never falls, and ends at all but for a stalled one', (curve) => {
    const parts = Array.from({ length: 101 }, (_value, step) => finishedPart(curve, step / 100))
    expect(parts).toEqual(parts.toSorted((one, other) => one - other))
    expect([parts[0], parts.at(-1)]).toEqual([0, curve === 'stalled' ? 0.6 : 1])
  })
})

describe('prices', () => {
  it('round half up once, and halve a batch', () => {
    const price = knownPrice(openaiPrices, 'gpt-4o-mini-2024-07-18')
    expect(costNanoDollars(price, 10, 3, false)).toBe(10n * 150n + 3n * 600n)
    expect(costNanoDollars(price, 1, 0, true)).toBe(75n)
    expect(costNanoDollars({ input: 1_000_000n, output: 0n }, 1, 0, true)).toBe(1n)
    expect(costNanoDollars({ input: 999_999n, output: 0n }, 1, 0, true)).toBe(0n)
  })
})
