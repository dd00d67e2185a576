import { expect, test } from 'vitest'
import { identifiedLine } from './identified-line.ts'

test.each([
  ['an id of its own stays', '{ "custom_id": "a", "prompt": "x"}', '{ "custom_id": "a", "prompt": "x"}'],
  ['a neutral line', ' {"prompt":"é \\u00e9"}', '{"custom_id":"7","prompt":"é \\u00e9"}'],
  ['a line of Gemini’s', '{"request":{"contents":[]}}', '{"key":"7","request":{"contents":[]}}'],
])('%s', (_what, line, expected) => {
  expect(identifiedLine(line, '7')).toBe(expected)
})
