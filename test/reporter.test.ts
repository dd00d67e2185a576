import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reporter-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

/** Runs one test file in a Vitest of its own; returns the last line of its output and whether it ended with exit code 0. */
function run(source: string, ...options: string[]): { lastLine: string | undefined; succeeded: boolean } {
  writeFileSync(join(folder, 'a.test.js'), source)
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--globals',
      '--root',
      folder,
      '--reporter',
      join(root, 'test/reporter.ts'),
      ...options,
    ],
    // A clean environment, or the inner Vitest takes itself for a worker of the outer one.
    { encoding: 'utf8', env: { PATH: process.env.PATH } },
  )
  return { lastLine: stdout.trimEnd().split('\n').at(-1), succeeded: status === 0 }
}

test('passed and skipped tests', () => {
  expect(run(`test('a', () => {}); test.skip('b', () => {})`)).toEqual({
    lastLine: '1 passed, 0 failed',
    succeeded: true,
  })
})

test('a failed test', () => {
  expect(run(`test('a', () => {}); test('b', () => { throw new Error('no') })`)).toEqual({
    lastLine: '1 passed, 1 failed',
    succeeded: false,
  })
})

test('a failed hook counts as a failure', () => {
  expect(run(`describe('s', () => { beforeAll(() => { throw new Error('no') }); test('a', () => {}) })`)).toEqual({
    lastLine: '0 passed, 1 failed',
    succeeded: false,
  })
})

test('a file that does not load counts as a failure', () => {
  expect(run(`throw new Error('no')`)).toEqual({ lastLine: '0 passed, 1 failed', succeeded: false })
})

test('an error outside of every test counts as a failure', () => {
  const late = `test('a', async () => { setTimeout(() => { throw new Error('late') }); await new Promise((done) => setTimeout(done, 50)) })`
  expect(run(late)).toEqual({ lastLine: '1 passed, 1 failed', succeeded: false })
})

test('an error in the global teardown counts as a failure', () => {
  writeFileSync(join(folder, 'setup.js'), `export default () => () => { throw new Error('left over') }`)
  writeFileSync(join(folder, 'vitest.config.js'), `export default { test: { globalSetup: './setup.js' } }`)
  expect(run(`test('a', () => {})`)).toEqual({ lastLine: '1 passed, 1 failed', succeeded: false })
})

test('a run that finds no test counts as a failure', () => {
  expect(run('', 'nothing-of-this-name')).toEqual({ lastLine: '0 passed, 1 failed', succeeded: false })
})
