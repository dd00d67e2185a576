import { expect, test } from 'vitest'
import { costOfUsage, divideHalfUp, formatDollars, noUsage, parseDollars, type TokenPrices } from './money.ts'

const prices: TokenPrices = {
  input: parseDollars('0.075'),
  cachedInput: parseDollars('0.0375'),
  cacheWrite: null,
  output: parseDollars('0.3'),
}

test('a cost is tokens times price, rounded half up once', () => {
  expect(costOfUsage({ ...noUsage, input: 1_000_000 }, prices)).toBe(parseDollars('0.075'))
  expect(costOfUsage({ ...noUsage, input: 1_000_000, output: 2_000_000 }, prices)).toBe(parseDollars('0.675'))
  // 1 token of input: 75 nano-dollars; 1 cached: 37.5, rounded up.
  expect(costOfUsage({ ...noUsage, input: 1 }, prices)).toBe(75n)
  expect(costOfUsage({ ...noUsage, input: 1, cached: 1 }, prices)).toBe(38n)
})

test('cached tokens are part of the input and cost their own price; without one, the input price', () => {
  expect(costOfUsage({ ...noUsage, input: 1000, cached: 400 }, prices)).toBe(600n * 75n + 15_000n)
  expect(costOfUsage({ ...noUsage, input: 1000, cacheWrite: 400 }, prices)).toBe(75_000n)
})

test('halves are rounded up', () => {
  expect([1n, 2n, 3n, 4n, 5n].map((value) => divideHalfUp(value, 2n))).toEqual([1n, 1n, 2n, 2n, 3n])
  expect(divideHalfUp(499_999n, 1_000_000n)).toBe(0n)
  expect(divideHalfUp(500_000n, 1_000_000n)).toBe(1n)
})

test('dollars are read and written exactly', () => {
  for (const text of ['0', '1', '0.5', '12.345678901', '0.000000001', '-3.2', '5000000000'])
    expect(formatDollars(parseDollars(text))).toBe(text)
  expect(formatDollars(parseDollars('1.50'))).toBe('1.5')
  for (const text of ['', '1.', '.5', '1e3', '0.0000000001', '$1']) expect(() => parseDollars(text), text).toThrow(RangeError)
})
