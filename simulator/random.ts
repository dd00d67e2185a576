import { hash } from 'node:crypto'

/** The first `length` hex digits of a SHA-1: an id or fingerprint that is the same on every run. */
export function hashHex(text: string, length: number): string {
  return hash('sha1', text, 'hex').slice(0, length)
}

/** A 32-bit number that depends on the text only. */
export function hashNumber(text: string): number {
  return Number.parseInt(hashHex(text, 8), 16)
}

/** A number in [0, 1) that depends on the text only: how prompts and lines are picked for a fault. */
export function fractionOf(text: string): number {
  return hashNumber(text) / 0x1_0000_0000
}

export type Random = () => number

/** A generator of numbers in [0, 1) that repeats with its seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)]
  if (value === undefined) throw new RangeError('pick: no values')
  return value
}

/** The numbers 0 … count-1 in an order that depends on the seed only. */
export function shuffledIndexes(count: number, seed: number): Uint32Array {
  const order = new Uint32Array(count)
  for (let index = 0; index < count; index++) order[index] = index
  const random = randomFrom(seed)
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    const moved = order[index] ?? 0
    order[index] = order[other] ?? 0
    order[other] = moved
  }
  return order
}
