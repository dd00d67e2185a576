import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLineFile } from './line-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'line-file-'))
afterAll(() => rmSync(directory, { recursive: true }))

test('lines of any length arrive in order, with their count, size and hash', async () => {
  const path = join(directory, 'lines.jsonl')
  const lines = [
    'short',
    '€“ü”'.repeat(100_000),
    '',
    'x'.repeat(3_000_000),
    ...Array.from({ length: 50_000 }, (_, n) => `line ${n} ✓`),
  ]
  const file = await createLineFile(path)
  for (const line of lines) await file.append(line)
  const hash = await file.finish()
  const written = readFileSync(path)
  expect(written.equals(Buffer.from(lines.map((line) => `${line}\n`).join('')))).toBe(true)
  expect(file).toMatchObject({ lines: lines.length, bytes: written.length })
  expect(hash).toBe(createHash('sha256').update(written).digest('hex'))
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a file that is given up is gone', async () => {
  const path = join(directory, 'given-up.jsonl')
  const file = await createLineFile(path)
  await file.append('x'.repeat(2_000_000))
  await file.discard()
  expect(existsSync(path)).toBe(false)
})
