import { expect, test } from 'vitest'
import { readCsv } from './csv.ts'
import { parseInputLine } from './input-line.ts'

async function* bytes(text: string | Uint8Array, size = 5): AsyncGenerator<Uint8Array> {
  const all = typeof text === 'string' ? Buffer.from(text) : text
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size)
}

async function read(text: string, prompt: string): Promise<Array<{ line: number } & Record<string, unknown>>> {
  const lines = await Array.fromAsync(readCsv(bytes(text), prompt))
  return lines.map(({ lineNumber, text: json }) => ({ line: lineNumber, ...(JSON.parse(json) as Record<string, unknown>) }))
}

test('rows become prompts, with the other columns as metadata', async () => {
  expect(await read('custom_id,text,city\na1,Good,Bern\n,Bad,\n', 'Label this: {{text}}')).toEqual([
    { line: 2, custom_id: 'a1', prompt: 'Label this: Good', metadata: { city: 'Bern' } },
    { line: 3, prompt: 'Label this: Bad', metadata: { city: '' } },
  ])
})

test('quotes, line ends inside them, a byte order mark, CRLF and characters cut between chunks', async () => {
  const rows = await read('\uFEFFtext,note\r\n"He said ""hé"",\nthen left",😀\r\nlast,x\r\n', '{{ text }} / {{note}}')
  expect(rows).toEqual([
    { line: 3, prompt: 'He said "hé",\nthen left / 😀' },
    { line: 4, prompt: 'last / x' },
  ])
})

test('a value that looks like a placeholder is not filled again', async () => {
  expect((await read('a,b\n{{b}},secret\n', '{{a}}'))[0]?.['prompt']).toBe('{{b}}')
})

test('a short row has empty values', async () => {
  expect((await read('a,b\nx\n', '{{a}}-{{b}}'))[0]?.['prompt']).toBe('x-')
})

test('each row is a line that parses', async () => {
  for await (const { text, lineNumber } of readCsv(bytes('custom_id,a\nx,1\n'), 'Say {{a}}')) {
    expect(parseInputLine(text, lineNumber)).toMatchObject({ customId: 'x', lineFormat: 'neutral' })
  }
})

test('a column that is not there is refused with the nearest name', async () => {
  await expect(read('text,city\na,b\n', '{{txt}}')).rejects.toMatchObject({
    code: 'unknown_column',
    message: expect.stringContaining('did you mean "text"?'),
  })
})

test('two columns of one name are refused', async () => {
  await expect(read('a,a\n1,2\n', '{{a}}')).rejects.toMatchObject({ code: 'invalid_csv_header' })
})

test.each([
  ['a,b\n1,2\n1,2,3\n', 3],
  ['a,b\n1,"2\n', 2],
  ['a,b\n1,"x\n""y"""\n"3\n","4\n\n5,6\n', 5],
  ['a,b\n1,"x\ny"\n3,"4\n5,6\n"7",8\n', 4],
  ['a,b\n1,"x"y"\n', 2],
])('%j is refused with its line', async (text, line) => {
  await expect(read(text, '{{a}}')).rejects.toMatchObject({ code: 'invalid_line', line })
})

test.each([
  ['a,b\n1,"x\n""y"""\n"3\n","4 ""\n""""5"",\n\n6,7\n', 5],
  ['a,b\n"""x\n""",""\n3,"4 ""\n""5\n"6",7\n', 4],
])('the line is right wherever %j is cut', async (text, line) => {
  const pieces = async function* (at: number) {
    yield text.slice(0, at)
    yield text.slice(at)
  }
  for (let at = 0; at <= text.length; at++) {
    const reading = Array.fromAsync(readCsv(pieces(at), '{{a}}'))
    await expect(reading, `cut at ${at}`).rejects.toMatchObject({ code: 'invalid_line', line })
  }
})

test('invalid UTF-8 is refused', async () => {
  await expect(Array.fromAsync(readCsv(bytes(Buffer.from([0x61, 0x0a, 0xff, 0x0a])), '{{a}}'))).rejects.toMatchObject({
    code: 'invalid_utf8',
  })
})

test('an error of the source comes out', async () => {
  const failing = async function* () {
    yield Buffer.from('a\n1\n')
    throw new Error('the upload broke off')
  }
  await expect(Array.fromAsync(readCsv(failing(), '{{a}}'))).rejects.toThrow('the upload broke off')
})

test('a reader that stops early stops the source', async () => {
  let stopped = false
  const endless = async function* () {
    try {
      yield Buffer.from('a\n')
      for (;;) yield Buffer.from('1\n'.repeat(1000))
    } finally {
      stopped = true
    }
  }
  for await (const _ of readCsv(endless(), '{{a}}')) break
  await new Promise((resolve) => setImmediate(resolve))
  expect(stopped).toBe(true)
})
