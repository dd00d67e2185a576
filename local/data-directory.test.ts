import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { BatchwrightError } from '../core/errors.ts'
import { takeDataDirectory } from './data-directory.ts'
import { identifyProcess } from './process-identity.ts'

let parent: string
let path: string

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'batchwright-data-'))
  path = join(parent, 'data')
})

afterEach(() => rmSync(parent, { recursive: true, force: true }))

function refusal(): BatchwrightError {
  try {
    takeDataDirectory(path, 'http://127.0.0.1:2')
  } catch (error) {
    if (error instanceof BatchwrightError) return error
  }
  throw new Error('the directory was not refused')
}

test('is created for its owner only', () => {
  takeDataDirectory(path, 'http://127.0.0.1:1').release()
  expect(statSync(path).mode & 0o777).toBe(0o700)
})

test('a second one is told in one line who has it', () => {
  const first = takeDataDirectory(path, 'http://127.0.0.1:1')
  const error = refusal()
  expect(error.code).toBe('data_directory_in_use')
  expect(error.message).toContain(`process ${process.pid} at http://127.0.0.1:1`)
  expect(error.message).not.toContain('\n')
  expect(error.details).toEqual({ pid: process.pid, url: 'http://127.0.0.1:1' })

  first.release()
  takeDataDirectory(path, 'http://127.0.0.1:2').release()
})

test('a holder that was killed holds nothing', async () => {
  const holder = spawn('sleep', ['60'], { stdio: 'ignore' })
  takeDataDirectory(path, '').release()
  writeFileSync(join(path, 'lock.json'), JSON.stringify({ ...identifyProcess(holder.pid ?? 0), url: 'http://127.0.0.1:9' }))
  expect(refusal().message).toContain(`process ${holder.pid} at http://127.0.0.1:9`)

  holder.kill('SIGKILL')
  await new Promise((resolve) => holder.once('exit', resolve))
  takeDataDirectory(path, '').release()
})

test('a holder whose pid another process has now holds nothing', () => {
  takeDataDirectory(path, '').release()
  const earlier = { ...identifyProcess(process.pid), startTime: 'long ago', url: 'http://127.0.0.1:9' }
  writeFileSync(join(path, 'lock.json'), JSON.stringify(earlier))
  const taken = takeDataDirectory(path, 'http://127.0.0.1:1')
  expect(refusal().details).toEqual({ pid: process.pid, url: 'http://127.0.0.1:1' })
  taken.release()
})

test('a late release takes nothing from the next holder', () => {
  const first = takeDataDirectory(path, '')
  writeFileSync(join(path, 'lock.json'), JSON.stringify({ pid: 1, startTime: identifyProcess(1)?.startTime, url: 'x' }))
  first.release()
  expect(refusal().details).toMatchObject({ pid: 1 })
})

test('remembers the ports of the last start', () => {
  const first = takeDataDirectory(path, '')
  expect(first.ports()).toEqual({})
  first.savePorts({ postgres: 1, temporal: 2 })
  first.release()
  expect(takeDataDirectory(path, '').ports()).toEqual({ postgres: 1, temporal: 2 })
})

test('a directory with files of someone else keeps its mode', () => {
  mkdirSync(path)
  writeFileSync(join(path, 'thesis.txt'), 'mine')
  chmodSync(path, 0o755)
  takeDataDirectory(path, '').release()
  expect(statSync(path).mode & 0o777).toBe(0o755)
})

test.each([['/proc/batchwright'], ['FILE'], ['FILE/below']])('%s can not be one, and one line says so', (place) => {
  const file = join(parent, 'file')
  writeFileSync(file, '')
  expect(() => takeDataDirectory(place.replace('FILE', file), 'http://127.0.0.1:1')).toThrow(/can't be a directory .*--data/)
})
