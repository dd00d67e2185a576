import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maxLineBytes } from '../core/line-limit.ts'
import { inlineLocalFiles } from './local-files.ts'

const cat = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff])

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'client-local-files-'))
  mkdirSync(join(directory, 'pictures'))
  writeFileSync(join(directory, 'pictures', 'cat.png'), cat)
  writeFileSync(join(directory, 'report.pdf'), 'a report')
  writeFileSync(join(directory, 'unknown.xyz'), 'x')
  writeFileSync(join(directory, 'empty.png'), '')
  writeFileSync(join(directory, 'large.png'), '')
  truncateSync(join(directory, 'large.png'), 25 * 1024 * 1024)
  execFileSync('mkfifo', [join(directory, 'pipe.png')])
})
afterAll(() => rmSync(directory, { recursive: true }))

async function* piecesOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function inlined(text: string | Buffer, size = 64 * 1024): Promise<string> {
  const sent: Uint8Array[] = []
  for await (const chunk of inlineLocalFiles(piecesOf(Buffer.from(text), size), directory)) sent.push(Buffer.from(chunk))
  return Buffer.concat(sent).toString('latin1')
}

const image = (path: string, more: object = {}): string => JSON.stringify({ prompt: [{ type: 'image', path, ...more }] })
const catPart = { type: 'image', data: cat.toString('base64'), media_type: 'image/png' }

test('an image and a file become base64 with their media types, in prompts and messages', async () => {
  const line = {
    custom_id: 'a',
    messages: [
      { role: 'system', content: 'Look' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'at' },
          { type: 'file', path: 'report.pdf' },
        ],
      },
    ],
    metadata: { path: 'stays' },
  }
  const [first, second, third] = (await inlined(`${image('pictures/cat.png')}\n${JSON.stringify(line)}\n{"prompt":"x"}`)).split(
    '\n',
  )
  expect(JSON.parse(first ?? '')).toEqual({ prompt: [catPart] })
  const report = { type: 'file', name: 'report.pdf', data: btoa('a report'), media_type: 'application/pdf' }
  expect(JSON.parse(second ?? '')).toEqual({
    ...line,
    messages: [line.messages[0], { role: 'user', content: [{ type: 'text', text: 'at' }, report] }],
  })
  expect(third).toBe('{"prompt":"x"}')
})

test('an absolute path is taken as it is; a media type and a name in the line win', async () => {
  const part = { type: 'file', path: join(directory, 'unknown.xyz'), media_type: 'text/plain', name: 'notes' }
  const { prompt } = JSON.parse(await inlined(JSON.stringify({ prompt: [part] }))) as { prompt: unknown[] }
  expect(prompt).toEqual([{ type: 'file', name: 'notes', media_type: 'text/plain', data: btoa('x') }])
})

test('however the bytes are cut, the same comes out', async () => {
  const text = `\ufeff${image('pictures/cat.png')}\r\n\n{"prompt":"päth"}\n${image('pictures/cat.png')}`
  const whole = await inlined(text)
  expect(whole.split('\n').map((line) => line.includes(catPart.data))).toEqual([true, false, false, true])
  for (const size of [1, 2, 3, 7, 50]) expect(await inlined(text, size)).toBe(whole)
})

describe('byte for byte goes', () => {
  test.for([
    ['a line without a local file', '{"prompt" : "the \\"path\\" of 12345678901234567890"}\n'],
    ['a line whose "path" is something else', '{"prompt":"x", "metadata":{"path":"pictures/cat.png"}}\n'],
    ['a part that has a source already', `${image('pictures/cat.png', { url: 'https://example.com/cat.png' })}\n`],
    [
      "a provider's own line",
      '{"custom_id":"a","params":{"messages":[{"content":[{"type":"image","path":"pictures/cat.png"}]}]}}\n',
    ],
    ['what is no JSON', '{"prompt":[{"type":"image","path":"pictures/cat.png"}]\n'],
    ['a line with a key twice', '{"prompt":"x","prompt":[{"type":"image","path":"pictures/cat.png"}]}\n'],
  ] as const)('%s', async ([, text]) => {
    expect(await inlined(text)).toBe(text)
  })

  test('a line that is not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from([0xff]), Buffer.from(image('pictures/cat.png'))])
    expect(await inlined(bytes)).toBe(bytes.toString('latin1'))
  })

  test('a line longer than any may be, and the one after it has its right number', async () => {
    const long = `"${'x'.repeat(maxLineBytes + 10)}"path"\n`
    expect(await inlined(`${long}{"prompt":"x"}`)).toBe(`${long}{"prompt":"x"}`)
    await expect(inlined(`${long}${image('none.png')}\n`)).rejects.toThrow(/^line 2: /)
  })
})

test('an integer that no double holds stays what it is beside a file', async () => {
  const line = `{"prompt":[{"type":"image","path":"pictures/cat.png"}],"metadata":{"id":12345678901234567890}}`
  expect(await inlined(line)).toContain('"id":12345678901234567890')
})

test.for([
  ['is not there', 'none.png', 'there is no file DIRECTORY/none.png'],
  ['is a folder', 'pictures/', 'the media type of DIRECTORY/pictures is not known by its name'],
  ['is a pipe', 'pipe.png', 'DIRECTORY/pipe.png is not a file'],
  ['is empty', 'empty.png', 'DIRECTORY/empty.png is empty'],
  ['has an unknown ending', 'unknown.xyz', 'the media type of DIRECTORY/unknown.xyz is not known by its name'],
  [
    'is too large for a line',
    'large.png',
    'DIRECTORY/large.png is too large: its 26214400 bytes would be 34952536 as base64, and ',
  ],
] as const)('a file that %s is told with line, field and path', async ([, path, reason]) => {
  const message = reason.replace('DIRECTORY', directory)
  const reading = inlined(`{"prompt":"x"}\n\n${image(path)}\n`)
  await expect(reading).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining(`line 3: prompt[0].path: ${message}`),
    details: { errors: [{ line: 3, field: 'prompt[0].path', reason: expect.stringContaining(message) }] },
  })
})

test('files that fit one by one and not together are too large', async () => {
  truncateSync(join(directory, 'large.png'), 15 * 1024 * 1024)
  const part = { type: 'image', path: 'large.png' }
  await expect(inlined(JSON.stringify({ prompt: [part, part] }))).rejects.toThrow(/^line 1: prompt\[1\]\.path: .* is too large/)
})

test('a line is out before the next one is read', async () => {
  const read: string[] = []
  async function* lines(): AsyncGenerator<Uint8Array> {
    for (const name of ['first', 'second']) {
      read.push(name)
      yield Buffer.from(`${image('pictures/cat.png')}\n`)
    }
  }
  const sent = inlineLocalFiles(lines(), directory)
  await sent.next()
  expect(read).toEqual(['first'])
  await sent.return()
})
