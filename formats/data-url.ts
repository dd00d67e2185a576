/** Data with its media type, in lower case. */
export interface InlineData {
  media_type: string
  data: string
}

/** The data in a data URL in base64; null for any other address. Only OpenAI takes such URLs. */
export function parseDataUrl(url: string): InlineData | null {
  const match = /^data:([\w.+-]+\/[\w.+-]+)(?:;[^,;]*)*;base64,/i.exec(url)
  return match === null ? null : { media_type: (match[1] as string).toLowerCase(), data: url.slice(match[0].length) }
}

export function toDataUrl({ data, media_type: mediaType }: InlineData): string {
  return `data:${mediaType};base64,${data}`
}
