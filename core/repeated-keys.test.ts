import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { repeatedKeyIn } from './repeated-keys.ts'

const find = (text: string) => repeatedKeyIn(text, JSON.parse(text))

test.each([
  ['{"prompt":"a","prompt":"b"}', 'prompt'],
  ['{"prompt":"a","prompt":"a"}', 'prompt'],
  ['{ "a" : 1,\t"b": 2, "a"\t: 3 }', 'a'],
  ['{"a":{"x":[1,{"y":1,"z":":\\"y\\":","y":2}]},"b":2}', 'a.x[1].y'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a\\\\":1,"a\\\\":2}', 'a\\'],
  ['{"":1,"":2}', ''],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
])('%s has a key twice', (text, path) => {
  expect(find(text)).toBe(path)
})

test.each([
  '{"a":"a\\":","b":":","c":"\\\\","d":["a","b","a"]}',
  '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
  '{"prompt":"{\\"a\\":1,\\"a\\":2}"}',
  '"a"',
  '{}',
])('%s has none', (text) => {
  expect(find(text)).toBeNull()
})

test('what JSON.stringify writes has no key twice, and with one of its keys once more it has', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space)
      expect(find(text)).toBeNull()
      const [key] = Object.keys(JSON.parse(text) as object)
      if (key === undefined) return
      expect(find(`${text.slice(0, text.lastIndexOf('}'))},${JSON.stringify(key)}:0}`)).toBe(key)
    }),
  )
})
