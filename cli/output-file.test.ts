import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeWholeFile } from './output-file.ts'

let directory: string
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'output-'))))
afterEach(() => rmSync(directory, { recursive: true }))

test('a file appears whole', async () => {
  const path = join(directory, 'answers.jsonl')
  await writeWholeFile(
    path,
    (async function* () {
      yield 'a\n'
      yield Buffer.from('b\n')
    })(),
  )
  expect(readFileSync(path, 'utf8')).toBe('a\nb\n')
  expect(readdirSync(directory)).toEqual(['answers.jsonl'])
})

test('what breaks off leaves the old file as it was, and nothing else', async () => {
  const path = join(directory, 'answers.jsonl')
  writeFileSync(path, 'old')
  const broken = (async function* () {
    yield 'new'
    throw new Error('connection lost')
  })()
  await expect(writeWholeFile(path, broken)).rejects.toThrow('connection lost')
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(directory)).toEqual(['answers.jsonl'])
})

test('a folder that is not there is named, and not made', async () => {
  await expect(writeWholeFile(join(directory, 'new/answers.jsonl'), (async function* () {})())).rejects.toMatchObject({
    code: 'output_not_writable',
    message: expect.stringContaining(`there is no folder ${join(directory, 'new')}`),
  })
  expect(readdirSync(directory)).toEqual([])
})

test('a place that can not be written is named', async () => {
  writeFileSync(join(directory, 'file'), '')
  const path = join(directory, 'file/answers.jsonl')
  await expect(writeWholeFile(path, (async function* () {})())).rejects.toMatchObject({
    code: 'output_not_writable',
    message: expect.stringContaining(path),
  })
})

test('a link stays one: its file is written', async () => {
  const [target, link] = [join(directory, 'target.jsonl'), join(directory, 'link.jsonl')]
  writeFileSync(target, 'old')
  symlinkSync(target, link)
  await writeWholeFile(link, chunksOf('new'))
  expect(readFileSync(target, 'utf8')).toBe('new')
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
})

test('a pipe is written to, and stays one', async () => {
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  const reading = readFile(pipe, 'utf8')
  await writeWholeFile(pipe, chunksOf('through'))
  expect(await reading).toBe('through')
  expect(lstatSync(pipe).isFIFO()).toBe(true)
})

async function* chunksOf(text: string): AsyncGenerator<string> {
  yield text
}
