import type { Json } from '../core/json.ts'
import { measureText } from './json-size.ts'

export interface BodySize {
  /** Exact: those of the body as JSON, in UTF-8. */
  readonly bytes: number
  /**
   * A rough upper estimate of its input tokens, for admission only, never for money: texts, with images and files in them by their kind. Of a text, a
   * third of its bytes: English has about four bytes a token, so it is 1.3 times too high there; Chinese, Japanese and Korean have about three
   * bytes and one token a character. https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
   */
  readonly tokens: number
}

/** Measures the body of a provider's request in one walk, in which each text is looked at once. */
export function measureBody(body: Json): BodySize {
  const estimate = { tokens: 0 }
  const bytes = measure(body, estimate)
  return { bytes, tokens: estimate.tokens }
}

/**
 * An image whose size is not known: 2,500 patches, the most that "high" detail keeps in the models that count patches; older models
 * charge less for almost every image. https://developers.openai.com/api/docs/guides/images-vision#calculating-costs
 */
export const imageTokens = 2_500

/** A file is sent as the text and an image of each page; a page of a PDF is taken for 50 kB and 3,000 tokens. */
const fileTokensPerByte = 3_000 / 50_000

/** A file that the provider fetches itself, whose size is not known. */
const remoteFileTokens = 30_000

/** Roles and separators around each value. */
const tokensPerValue = 1

/** Adds to the estimate, and returns the bytes. */
function measure(value: Json, estimate: { tokens: number }): number {
  if (typeof value === 'string') {
    const { jsonBytes, utf8Bytes } = measureText(value)
    estimate.tokens +=
      tokensPerValue + (isInline(value) ? inlineTokens(value.slice('data:'.length), value.length) : Math.ceil(utf8Bytes / 3))
    return jsonBytes
  }
  if (Array.isArray(value)) {
    let bytes = 1
    for (const each of value) bytes += measure(each, estimate) + 1
    return Math.max(bytes, 2)
  }
  if (!isPlainObject(value)) {
    estimate.tokens += tokensPerValue
    return JSON.stringify(value).length
  }
  const inline = inlineObjectTokens(value)
  const bytes = measureFields(value, inline === null ? estimate : { tokens: 0 })
  estimate.tokens += inline ?? 0
  return bytes
}

function measureFields(value: Record<string, Json | undefined>, estimate: { tokens: number }): number {
  let bytes = 1
  for (const key of Object.keys(value)) {
    const child = value[key]
    // JSON.stringify leaves it out.
    if (child === undefined) continue
    // Names count as well: a JSON Schema is mostly names.
    estimate.tokens += tokensPerValue + Math.ceil(key.length / 4)
    if (typeof child === 'string' && child.startsWith('http')) {
      if (key === 'file_url' || key === 'fileUri') estimate.tokens += remoteFileTokens
      else if (key === 'image_url' || key === 'url') estimate.tokens += imageTokens
    }
    bytes += measureText(key).jsonBytes + 1 + measure(child, estimate) + 1
  }
  return Math.max(bytes, 2)
}

/** Not null, and not a number that is kept as it was written (`core/exact-json.ts`): that one has no prototype. */
function isPlainObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null
}

/** Null: not an image or a document in base64. */
function inlineObjectTokens({ type, data, media_type: mediaType, mimeType }: Record<string, Json>): number | null {
  if (typeof data !== 'string') return null
  // Anthropic's source of an image or a document, and Gemini's blob.
  if (type === 'base64' && typeof mediaType === 'string') return inlineTokens(mediaType, data.length)
  return typeof mimeType === 'string' ? inlineTokens(mimeType, data.length) : null
}

function isInline(text: string): boolean {
  return text.startsWith('data:') && text.slice(0, 200).includes(';base64,')
}

function inlineTokens(mediaType: string, base64Length: number): number {
  return mediaType.startsWith('image/') ? imageTokens : Math.ceil(base64Length * 0.75 * fileTokensPerByte)
}
