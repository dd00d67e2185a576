import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { unknownModel } from '../core/model-capabilities.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { readDataUrl, readInlineData } from './data-url.ts'
import { parseInputLine } from './input-line.ts'
import { renderers } from './renderers.ts'
import { noDefaults } from './rendering.ts'

const base64 = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('base64')

describe('a data URL', () => {
  test.each<[string, string, string]>([
    ['data:image/png;base64,aGk=', 'image/png', 'hi'],
    ['DATA:Image/PNG;name=a.png;BASE64,aGk=', 'image/png', 'hi'],
    ['data:application/pdf;base64,aGk', 'application/pdf', 'hi'],
    ['data:application/pdf;base64,aG%6b%3D', 'application/pdf', 'hi'],
    ['data:application/pdf;base64,aG\n k=', 'application/pdf', 'hi'],
    ['data:text/plain,hello', 'text/plain', 'hello'],
    ['data:,hello, world', 'text/plain', 'hello, world'],
    ['data:;base64,aGk=', 'text/plain', 'hi'],
    ['data:text/csv,a%2Cb%0a%31;100%', 'text/csv', 'a,b\n1;100%'],
    ['data:text/plain;charset=utf-8,h%C3%A9', 'text/plain', 'hé'],
    ['data:text/plain,hé', 'text/plain', 'hé'],
    ['data:;charset=iso-8859-1,h%E9', 'text/plain', 'hé'],
    ['data:text/plain;charset=iso-8859-1;base64,6Wz/', 'text/plain', 'élÿ'],
    ['data:text/plain; charset="Windows-1252" ;base64,gA==', 'text/plain', '€'],
    ['data:application/json;charset=utf-16le;base64,MQA=', 'application/json', '1'],
    ['data:text/plain;charset=utf-16;base64,/v8AMQ==', 'text/plain', '1'],
  ])('%j', (url, mediaType, text) => {
    expect(readDataUrl(url)).toEqual({ media_type: mediaType, data: base64(text) })
  })

  test('of what is no text a charset says nothing', () => {
    const data = base64('\u00ff', 'latin1')
    expect(readDataUrl(`data:application/pdf;charset=utf-8;base64,${data}`)).toEqual({ media_type: 'application/pdf', data })
  })

  test.each<[string, RegExp]>([
    ['data:text/plain;base64', /no comma/],
    ['data:text/plain,', /no data/],
    ['data:text/plain;base64,', /no data/],
    ['data:image/png;base64,<>', /expected base64/],
    ['data:image/png;base64,aaaaa', /expected base64/],
    ['data:text/plain,C# is', /# in its data: write it as %23/],
    ['data:plain,x', /expected a media type/],
    ['data:text/plain;charset=klingon,x', /the charset "klingon" is not known/],
    ['data:text/plain;charset=,x', /the charset "" is not known/],
    ['data:text/plain;charset=iso-2022-kr,x', /the charset "iso-2022-kr" is not known/],
    ['data:text/plain;charset=utf-8;base64,6Wz/', /is no text in utf-8/],
    ['data:text/plain;charset=us-ascii,é', /is no text in us-ascii/],
    ['data:,é', /is no text in US-ASCII: name its charset/],
    ['data:text/plain;charset=shift_jis;base64,gQ==', /is no text in shift_jis/],
  ])('%j is refused', (url, problem) => {
    expect(readDataUrl(url)).toEqual({ field: expect.any(String), problem: expect.stringMatching(problem) })
  })
})

describe('a data URL of 16 MB is read in little more memory than it has itself', () => {
  test.each<[string, string, string]>([
    ['percent-encoded', 'data:application/pdf,', '%41b4'],
    ['base64 that is percent-encoded', 'data:application/pdf;base64,', 'AA%4aAAA'],
    ['base64 in lines', 'data:application/pdf;base64,', 'AAA\n'],
  ])('%s', async (_, start, piece) => {
    const read = `
      import { readDataUrl } from ${JSON.stringify(new URL('data-url.ts', import.meta.url).href)}
      const url = Buffer.alloc(16e6, ${JSON.stringify(piece)}).toString()
      const { data, problem } = readDataUrl(${JSON.stringify(start)} + url)
      console.log(data?.length ?? problem)`
    // The URL itself is not in the heap: what a piece of it takes there is.
    const options = ['--max-old-space-size=48', '--input-type=module', '--eval', read]
    const { stdout } = await promisify(execFile)(process.execPath, options)
    expect(Number(stdout)).toBeGreaterThan(8e6)
  })
})

test('data without a charset stays as it is', () => {
  const data = base64('\u00e9', 'latin1')
  expect(readInlineData({ media_type: 'Text/Plain', data })).toEqual({ media_type: 'text/plain', data })
})

function render(kind: ProviderKind, line: JsonObject, endpoint: '/v1/responses' | null = null) {
  const { request } = parseInputLine(JSON.stringify(line), 1)
  return JSON.stringify(renderers[kind](request, { ...noDefaults, model: 'm', endpoint }, () => unknownModel).body)
}

describe('each provider gets the same', () => {
  const sources: JsonObject[] = [
    { url: 'data:text/plain;charset=iso-8859-1;base64,6Wz/' },
    { url: 'data:text/plain;charset=latin1,%E9l%FF' },
    { data: '6Wz/', media_type: 'text/plain; charset=iso-8859-1' },
    { data: base64('élÿ'), media_type: 'TEXT/plain' },
  ]
  test.each(sources)('a text as %j', (source) => {
    const data = base64('élÿ')
    const line = { prompt: [{ type: 'file', name: 'a', ...source }] }
    expect(render('anthropic', line)).toContain('"source":{"type":"text","media_type":"text/plain","data":"élÿ"}')
    expect(render('gemini', line)).toContain(`{"inlineData":{"mimeType":"text/plain","data":"${data}"}}`)
    const file = `"filename":"a","file_data":"data:text/plain;base64,${data}"`
    expect(render('openai', line)).toContain(file)
    expect(render('openai', line, '/v1/responses')).toContain(file)
  })

  test('an image that is percent-encoded', () => {
    const line = { prompt: [{ type: 'image', url: 'data:image/png,hi' }] }
    expect(render('anthropic', line)).toContain('{"type":"base64","media_type":"image/png","data":"aGk="}')
    expect(render('gemini', line)).toContain('{"inlineData":{"mimeType":"image/png","data":"aGk="}}')
    for (const endpoint of [null, '/v1/responses'] as const)
      expect(render('openai', line, endpoint)).toContain('"data:image/png;base64,aGk="')
  })

  test('what a line of another provider has', () => {
    const file = { filename: 'a', file_data: 'data:text/plain;charset=iso-8859-1;base64,6Wz/' }
    const ofOpenAi = { url: '/v1/chat/completions', body: { messages: [{ role: 'user', content: [{ type: 'file', file }] }] } }
    const inlineData = { mimeType: 'text/plain;charset=iso-8859-1', data: '6Wz_' }
    for (const line of [ofOpenAi, { request: { contents: [{ parts: [{ inlineData }] }] } }])
      expect(render('anthropic', line)).toContain('"data":"élÿ"')
  })
})

describe('refused by the path of the field', () => {
  const document = (source: JsonObject): JsonObject => ({
    params: { model: 'c', max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'document', source }] }] },
  })
  const fileData = (data: string): JsonObject => ({
    url: '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: data } }] }] },
  })
  const blob = (inlineData: JsonObject): JsonObject => ({ request: { contents: [{ parts: [{ inlineData }] }] } })
  test.each<[ProviderKind, JsonObject, string]>([
    ['openai', { prompt: [{ type: 'file', url: 'data:,é' }] }, 'prompt[0].url: is no text in US-ASCII'],
    ['openai', { prompt: [{ type: 'image', url: 'data:,hi' }] }, 'prompt[0].url: expected an image, not text/plain'],
    [
      'openai',
      { prompt: [{ type: 'image', data: 'aGk=', media_type: 'text/plain' }] },
      'prompt[0].media_type: expected an image',
    ],
    ['gemini', { prompt: [{ type: 'file', data: '', media_type: 'text/plain' }] }, 'prompt[0].data: must not be empty'],
    [
      'gemini',
      { prompt: [{ type: 'file', data: 'aGk=', media_type: 'text/plain;charset=x' }] },
      'prompt[0].media_type: the charset "x"',
    ],
    [
      'gemini',
      { prompt: [{ type: 'file', data: '6Wz/', media_type: 'text/plain;charset=utf-8' }] },
      'prompt[0].data: is no text in utf-8',
    ],
    [
      'anthropic',
      { prompt: [{ type: 'file', data: '6Wz/', media_type: 'text/csv' }] },
      'messages[0].content[0]: is no text in UTF-8',
    ],
    [
      'openai',
      document({ type: 'text', media_type: 'text/plain', data: '' }),
      'params.messages[0].content[0].source.data: must not be empty',
    ],
    ['openai', document({ type: 'url', url: 'data:text/plain' }), 'params.messages[0].content[0].source.url: has no comma'],
    ['anthropic', fileData('data:text/plain;base64,'), 'body.messages[0].content[0].file.file_data: has no data'],
    [
      'anthropic',
      fileData('data:text/plain;charset=x;base64,aGk='),
      'body.messages[0].content[0].file.file_data: the charset "x"',
    ],
    ['anthropic', fileData('data:text/plain;base64,6Wz/'), 'body.messages[0].content[0]: is no text in UTF-8'],
    [
      'openai',
      blob({ mimeType: 'text/plain;charset=x', data: 'aGk=' }),
      'request.contents[0].parts[0].inlineData.mimeType: the charset "x"',
    ],
    ['openai', blob({ mimeType: 'text/plain', data: '' }), 'request.contents[0].parts[0].inlineData.data: must not be empty'],
  ])('at %s: %j', (kind, line, message) => {
    expect(() => render(kind, line)).toThrow(message)
  })
})
