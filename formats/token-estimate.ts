import type { Json } from '../core/json.ts'

/**
 * A rough upper estimate of a text's tokens, for admission only, never for money. UTF-8 bytes divided by three: English has about four
 * bytes a token, so it is 1.3 times too high there; Chinese, Japanese and Korean have about three bytes and one token a character.
 * https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
 */
export function estimateTextTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3)
}

/**
 * An image whose size is not known: 2,500 patches, the most that "high" detail keeps in the models that count patches; older models
 * charge less for almost every image. https://developers.openai.com/api/docs/guides/images-vision#calculating-costs
 */
export const imageTokens = 2_500

/** A file is sent as the text and an image of each page; a page of a PDF is taken for 50 kB and 3,000 tokens. */
export const fileTokensPerByte = 3_000 / 50_000

/** A file that the provider fetches itself, whose size is not known. */
export const remoteFileTokens = 30_000

/** Roles and separators around each value. */
const tokensPerValue = 1

/** A rough upper estimate of the input tokens of a provider's request body: all its texts, with images and files in it by their kind. */
export function estimateBodyTokens(body: Json): number {
  if (typeof body === 'string')
    return tokensPerValue + (isInline(body) ? inlineTokens(body.slice('data:'.length), body.length) : estimateTextTokens(body))
  if (typeof body !== 'object' || body === null) return tokensPerValue
  if (Array.isArray(body)) return body.reduce<number>((sum, value) => sum + estimateBodyTokens(value), 0)
  // Anthropic's source of an image or a document.
  if (body['type'] === 'base64' && typeof body['data'] === 'string' && typeof body['media_type'] === 'string') {
    return inlineTokens(body['media_type'], body['data'].length)
  }
  // Gemini's blob.
  if (typeof body['data'] === 'string' && typeof body['mimeType'] === 'string')
    return inlineTokens(body['mimeType'], body['data'].length)
  let tokens = 0
  for (const [key, value] of Object.entries(body)) {
    if (typeof value === 'string' && value.startsWith('http')) {
      if (key === 'file_url' || key === 'fileUri') tokens += remoteFileTokens
      else if (key === 'image_url' || key === 'url') tokens += imageTokens
    }
    // Names count as well: a JSON Schema is mostly names.
    tokens += tokensPerValue + Math.ceil(key.length / 4) + estimateBodyTokens(value)
  }
  return tokens
}

function isInline(text: string): boolean {
  return text.startsWith('data:') && text.slice(0, 200).includes(';base64,')
}

function inlineTokens(mediaType: string, base64Length: number): number {
  return mediaType.startsWith('image/') ? imageTokens : Math.ceil(base64Length * 0.75 * fileTokensPerByte)
}
