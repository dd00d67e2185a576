import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { boundLog, lastLogLines, openLog, readLogFrom, rotateLog } from './log-file.ts'

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-log-'))
  path = join(directory, 'worker.log')
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('a log that outgrows its bound is cut while its writer goes on', () => {
  const log = openLog(path)
  writeSync(log, `${'x'.repeat(990)}the end`)
  boundLog(path, 1000)
  expect(statSync(path).size).toBe(997)

  writeSync(log, ' and more')
  boundLog(path, 1000)
  expect(statSync(path).size).toBe(0)
  expect(readFileSync(`${path}.1`, 'utf8')).toHaveLength(500)
  expect(readFileSync(`${path}.1`, 'utf8')).toMatch(/xthe end and more$/)

  writeSync(log, 'next line\n')
  expect(readFileSync(path, 'utf8')).toBe('next line\n')
  closeSync(log)
})

test('a new start keeps the log of the last one, and only that', () => {
  for (const text of ['first', 'second', 'third']) {
    rotateLog(path)
    const log = openLog(path)
    writeSync(log, text)
    closeSync(log)
  }
  expect(readFileSync(path, 'utf8')).toBe('third')
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('second')
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('is read on from where the last reading ended, also after it was cut', () => {
  const log = openLog(path)
  writeSync(log, 'one\n')
  const first = readLogFrom(path, 0)
  expect(first).toEqual({ text: 'one\n', nextOffset: 4 })
  writeSync(log, 'two\n')
  expect(readLogFrom(path, first.nextOffset).text).toBe('two\n')
  rmSync(path)
  closeSync(log)
  expect(readLogFrom(path, 8)).toEqual({ text: '', nextOffset: 0 })
})

test('gives its last lines, and none where there is no log', () => {
  expect(lastLogLines(path, 2)).toEqual([])
  expect(existsSync(path)).toBe(false)
  const log = openLog(path)
  writeSync(log, 'one\ntwo\n\nthree\n')
  closeSync(log)
  expect(lastLogLines(path, 2)).toEqual(['two', 'three'])
})
