import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { exampleJob, finishedJob } from '../client/testing/scripted-server.ts'
import { createProgressDisplay } from './progress-display.ts'

const startMs = Date.parse('2026-11-21T07:00:00.000Z')
let written: string[]

beforeEach(() => {
  written = []
  vi.useFakeTimers({ now: startMs })
})
afterEach(() => vi.useRealTimers())

function display(isTTY: boolean) {
  const output = { isTTY, columns: 100, write: (text: string) => written.push(text) > 0 }
  return createProgressDisplay(output)
}

function jobWith(done: number) {
  return exampleJob({ progress: { done, failed: 0, total: 1000 } })
}

test('without a terminal: on change, one line in five seconds, a new status at once', () => {
  const plain = display(false)
  plain.show(jobWith(1))
  plain.show(jobWith(2))
  vi.advanceTimersByTime(5000)
  plain.show(jobWith(3))
  vi.advanceTimersByTime(60_000)
  plain.show(jobWith(3))
  plain.show(finishedJob())
  plain.end()
  expect(written.map((line) => line.split(' items')[0])).toEqual([
    'in_progress: 1 of 1,000',
    'in_progress: 3 of 1,000',
    'completed: 3 of 3',
  ])
  expect(written.join('')).not.toContain('\u001b')
})

test('on a terminal one line is drawn over itself, at most ten times a second', () => {
  const live = display(true)
  for (let done = 0; done < 500; done++) {
    live.show(jobWith(done))
    vi.advanceTimersByTime(2)
  }
  const drawn = written.filter((text) => text.includes('/1,000'))
  expect(drawn.length).toBeLessThanOrEqual(12)
  expect(drawn.every((text) => text.startsWith('\r\u001b[2K') && !text.includes('\n'))).toBe(true)
  live.end()
})

test('the clock goes on between two states', () => {
  const live = display(true)
  live.show(jobWith(1))
  vi.advanceTimersByTime(3000)
  expect(written.at(-1)).toContain('3s')
  live.end()
})

test('the cursor is given back, once', () => {
  const live = display(true)
  live.show(jobWith(1))
  live.end()
  live.end()
  const all = written.join('')
  expect(all.split('\u001b[?25l')).toHaveLength(2)
  expect(all.split('\u001b[?25h')).toHaveLength(2)
  expect(all.endsWith('\u001b[2K\u001b[?25h')).toBe(true)
  written.length = 0
  vi.advanceTimersByTime(10_000)
  expect(written).toEqual([])
})

test('a note stands on a line of its own, and the live line comes back', () => {
  const live = display(true)
  live.show(jobWith(1))
  written.length = 0
  live.note('not reachable')
  expect(written[0]).toBe('\r\u001b[2Knot reachable\n')
  expect(written[1]).toContain('1/1,000')
  live.end()
})

test('several jobs have a line each, drawn over themselves; a note stands above them all', () => {
  const live = display(true)
  live.show(jobWith(1), 'openai')
  live.show(jobWith(2), 'anthropic')
  vi.advanceTimersByTime(200)
  live.show(jobWith(3), 'openai')
  live.note('kill')
  live.end()
  const screen = screenOf(written.slice(0, -1).join(''))
  expect(screen.map((line) => line.split('  in_progress')[0])).toEqual(['kill', 'openai   ', 'anthropic'])
  expect(screen[1]).toContain('3/1,000')
  expect(screen[2]).toContain('2/1,000')
  expect(screenOf(written.join(''))).toEqual(['kill', ''])
})

test('without a terminal several jobs have their turns apart from each other', () => {
  const plain = display(false)
  for (const done of [1, 2]) {
    plain.show(jobWith(done), 'openai')
    plain.show(jobWith(done), 'gemini')
  }
  expect(written.map((line) => line.split(' items')[0])).toEqual([
    'openai  in_progress: 1 of 1,000',
    'gemini  in_progress: 1 of 1,000',
  ])
})

/** What a terminal then shows; it knows what is written here. */
function screenOf(text: string): string[] {
  const lines = ['']
  let row = 0
  const marked = text
    .replaceAll('\u001b[1A', '↑')
    .replaceAll('\u001b[2K', '×')
    .replaceAll('\u001b[?25l', '')
    .replaceAll('\u001b[?25h', '')
  for (const character of marked) {
    if (character === '↑') row -= 1
    else if (character === '×') lines[row] = ''
    else if (character === '\n') lines[++row] ??= ''
    else if (character !== '\r') lines[row] += character
  }
  while (lines.length > row + 1 && lines.at(-1) === '') lines.pop()
  return lines
}
