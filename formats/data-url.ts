import { decodeText, isKnownCharset } from './text-charset.ts'

/** Data in base64, with its media type in lower case and without parameters. A text whose charset was said is in UTF-8. */
export interface InlineData {
  media_type: string
  data: string
}

/** What is wrong with data, and in which of its two fields. */
export interface DataProblem {
  readonly field: keyof InlineData
  readonly problem: string
}

export function isDataUrl(url: string): boolean {
  return /^data:/i.test(url)
}

/** What a data URL holds, in base64 or percent-encoded. Only OpenAI takes such URLs, and only some of them. https://www.rfc-editor.org/rfc/rfc2397 */
export function readDataUrl(url: string): InlineData | DataProblem {
  const [start, head] = /^data:([^,]*),/i.exec(url) ?? []
  if (start === undefined || head === undefined) return wrongData('has no comma, after which its data would begin')
  const content = url.slice(start.length)
  // Browsers would cut the data off here, and nobody writes a part of a document that way.
  if (content.includes('#')) return wrongData('has a # in its data: write it as %23')
  if (content === '') return wrongData('has no data after its comma')
  const mediaType = head.replace(/;\s*base64\s*$/i, '')
  const isEncoded = mediaType !== head
  const data = isEncoded ? paddedBase64(content) : percentDecode(content).toString('base64')
  if (!isBase64(data)) return wrongData('expected base64 after its comma')
  return readInlineData({ media_type: withDefaultType(mediaType), data })
}

/** Of a data URL that says nothing: "text/plain;charset=US-ASCII"; the type alone may be left out, too. */
function withDefaultType(mediaType: string): string {
  const written = mediaType.trim()
  if (written === '') return 'text/plain;charset=US-ASCII'
  return written.startsWith(';') ? `text/plain${written}` : written
}

/** Data as a line gives it: a text in another charset than UTF-8 is written anew, because no provider is known to look at the charset. */
export function readInlineData({ media_type: mediaType, data }: InlineData): InlineData | DataProblem {
  const [written = '', ...parameters] = mediaType.split(';')
  const type = written.trim().toLowerCase()
  if (!/^[\w.+-]+\/[\w.+-]+$/.test(type)) return wrongType('expected a media type like "image/png"')
  if (data === '') return wrongData('must not be empty')
  if (!isBase64(data)) return wrongData('expected base64')
  const charset = isText(type) ? charsetOf(parameters) : undefined
  if (charset === undefined) return { media_type: type, data }
  if (!isKnownCharset(charset)) return wrongType(`the charset ${JSON.stringify(charset)} is not known`)
  const text = decodeText(Buffer.from(data, 'base64'), charset)
  if (text === null)
    return wrongData(`is no text in ${charset}: name its charset with its media type, like "text/plain;charset=utf-8"`)
  return { media_type: type, data: Buffer.from(text).toString('base64') }
}

export function toDataUrl({ data, media_type: mediaType }: InlineData): string {
  return `data:${mediaType};base64,${data}`
}

const wrongData = (problem: string): DataProblem => ({ field: 'data', problem })
const wrongType = (problem: string): DataProblem => ({ field: 'media_type', problem })

/** Of other types a charset says nothing. */
function isText(type: string): boolean {
  return /^text\/|^application\/(json|xml)$|\+(json|xml)$/.test(type)
}

function charsetOf(parameters: readonly string[]): string | undefined {
  for (const parameter of parameters) {
    const [name = '', ...value] = parameter.split('=')
    if (name.trim().toLowerCase() !== 'charset') continue
    const charset = value.join('=').trim()
    return charset.startsWith('"') && charset.endsWith('"') ? charset.slice(1, -1) : charset
  }
  return undefined
}

function isBase64(text: string): boolean {
  return text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}

/** In a URL its last signs may be missing, and all may be percent-encoded or broken into lines: https://fetch.spec.whatwg.org/#data-url-processor */
function paddedBase64(content: string): string {
  const joined = /[%\s]/.test(content) ? withoutWhitespace(percentDecode(content)).toString('latin1') : content
  return joined.padEnd(Math.ceil(joined.length / 4) * 4, '=')
}

// Both work within one buffer: a line may have 32 MiB, and an object for each piece of it would take many times as much.

/** A % that begins no byte stands for itself, as in browsers. */
function percentDecode(text: string): Buffer {
  const bytes = Buffer.from(text)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] === percentSign ? hexByte(bytes[at + 1], bytes[at + 2]) : -1
    bytes[length++] = byte < 0 ? (bytes[at] as number) : byte
    if (byte >= 0) at += 2
  }
  return bytes.subarray(0, length)
}

const percentSign = 0x25

/** -1: these are no two hexadecimal digits. */
function hexByte(high: number | undefined, low: number | undefined): number {
  const [first, second] = [hexDigit(high), hexDigit(low)]
  return first < 0 || second < 0 ? -1 : first * 16 + second
}

function hexDigit(code = 0): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function withoutWhitespace(bytes: Buffer): Buffer {
  let length = 0
  for (const byte of bytes) if (!isWhitespace(byte)) bytes[length++] = byte
  return bytes.subarray(0, length)
}

/** https://infra.spec.whatwg.org/#ascii-whitespace */
function isWhitespace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x0c
}
