import type { WireResponse } from './wire.ts'

type Part = NonNullable<NonNullable<NonNullable<WireResponse['candidates']>[number]['content']>['parts']>[number]

const piecePattern = /\s*\S+/g

/** A response as `streamGenerateContent` sends it: pieces of its text, the last with the reason for its end and with all that was used. */
export function responseChunks(response: WireResponse): WireResponse[] {
  const candidate = response.candidates?.[0]
  const parts = candidate?.content?.parts
  if (candidate === undefined || parts === undefined) return [response]
  const pieces = parts.flatMap((part): Part[] =>
    part.text === undefined ? [part] : (part.text.match(piecePattern) ?? ['']).map((text) => ({ ...part, text })),
  )
  const { finishReason, ...unfinished } = candidate
  return pieces.map((piece, index) => {
    const content = { ...candidate.content, parts: [piece] }
    const last = index === pieces.length - 1
    return {
      ...response,
      candidates: [{ ...unfinished, content, ...(last && finishReason !== undefined ? { finishReason } : {}) }],
    }
  })
}
