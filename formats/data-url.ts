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
  const text = content.includes('%') ? percentDecode(content).toString('latin1') : content
  const joined = /\s/.test(text) ? text.replaceAll(/\s+/g, '') : text
  return joined.padEnd(Math.ceil(joined.length / 4) * 4, '=')
}

/** A % that begins no byte stands for itself, as in browsers. */
function percentDecode(text: string): Buffer {
  const pieces = text.split(/((?:%[0-9a-f]{2})+)/i)
  return Buffer.concat(
    pieces.map((piece, at) => (at % 2 === 0 ? Buffer.from(piece) : Buffer.from(piece.replaceAll('%', ''), 'hex'))),
  )
}
