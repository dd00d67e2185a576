import { expect, test } from 'vitest'
import { createToken, formatItemId, parseItemId, placeholderItemId } from './item-id.ts'

const token = createToken(Uint8Array.from({ length: 16 }, (_, index) => index * 17))

test('an id gives its seq back, for the same token only', () => {
  for (const seq of [1, 35, 36, 5_000_000]) {
    expect(parseItemId(formatItemId(token, seq), token)).toBe(seq)
    expect(parseItemId(formatItemId(token, seq), createToken(new Uint8Array(16)))).toBeNull()
  }
})

test('an id in any other spelling is not ours', () => {
  for (const id of [
    '',
    token,
    `${token}-`,
    `${token}-0`,
    `${token}-01`,
    `${token}-A`,
    `${token}--1`,
    `${token}-1.5`,
    `x${token}-1`,
    `${token}-zzzzzzzzzzzz`,
  ]) {
    expect(parseItemId(id, token), id).toBeNull()
  }
})

test('an id fits the strictest provider, and a placeholder has its length', () => {
  expect(formatItemId(token, 5_000_000)).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  for (const seq of [1, 36, 1296, 5_000_000]) expect(placeholderItemId(seq)).toHaveLength(formatItemId(token, seq).length)
})

test('too few random bytes make no token', () => {
  expect(() => createToken(new Uint8Array(15))).toThrow(RangeError)
})
