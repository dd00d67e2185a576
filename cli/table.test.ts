import { expect, test } from 'vitest'
import { formatBytes, formatCount, formatMoney } from './quantities.ts'
import { renderTable, shorten } from './table.ts'

test('columns are aligned, numbers to the right, no blanks at the end', () => {
  const rows = [
    { name: 'a', count: 5 },
    { name: 'longer', count: 1200 },
  ]
  const table = renderTable(
    [
      { title: 'COUNT', value: (row) => formatCount(row.count), align: 'right' },
      { title: 'NAME', value: (row) => row.name },
    ],
    rows,
  )
  expect(table).toBe('COUNT  NAME\n    5  a\n1,200  longer')
})

test('a cell stays on its line and sends nothing to the terminal', () => {
  expect(renderTable([{ title: 'NAME', value: (name: string) => name }], ['a\n\u001b[31mb'])).toBe('NAME\na [31mb')
})

test('what is too long ends with an ellipsis', () => {
  expect(shorten('äöüäöü', 4)).toBe('äöü…')
  expect(shorten('äöü', 4)).toBe('äöü')
})

test('amounts for people', () => {
  expect(['0', '0.000015', '0.0123', '12.5'].map(formatMoney)).toEqual(['$0.00', '$0.000015', '$0.01', '$12.50'])
  expect([999, 1500, 195_300_000].map(formatBytes)).toEqual(['999 B', '1.5 kB', '195.3 MB'])
})
