import type { RenderedRequest } from '../../formats/rendering.ts'

/**
 * The exact size of OpenAI's own line, `{custom_id, method, url, body}`, with its line end. The body is by far the largest part and is
 * turned into text once; the few bytes around it are those of the same line with an empty body.
 */
export function renderedLineBytes(itemId: string, { endpoint, body }: RenderedRequest): number {
  const around = JSON.stringify({ custom_id: itemId, method: 'POST', url: endpoint, body: 0 }).length - 1
  return around + Buffer.byteLength(JSON.stringify(body)) + 1
}
