import { expect, test } from 'vitest'
import { parseExactJson } from './exact-json.ts'

const untouched = (text: string) => JSON.stringify(parseExactJson(text))

test.each([
  '{"order_id":9007199254740993}',
  '{"ids":[12345678901234567890123,-9223372036854775807],"deep":{"id":18446744073709551615}}',
  '{"big":1e400}',
])('%s is written as it came', (text) => {
  expect(untouched(text)).toBe(text)
})

test('numbers that a double holds are numbers', () => {
  const text = '{"a":9007199254740991,"b":9007199254740992,"c":0.7000000000000001,"d":1.10,"e":"12345678901234567890"}'
  expect(parseExactJson(text)).toEqual(JSON.parse(text))
})

test('what is no JSON is refused', () => {
  expect(() => parseExactJson('{"a":12345678901234567890')).toThrow(SyntaxError)
})
