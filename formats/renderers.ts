import type { ProviderKind } from '../core/provider-kind.ts'
import { renderAnthropicRequest } from './anthropic-request.ts'
import { measureBody, type BodySize } from './body-size.ts'
import { renderGeminiRequest } from './gemini-request.ts'
import { renderOpenAiRequest } from './openai-request.ts'
import type { RenderedRequest, RenderRequest } from './rendering.ts'

/** How a request is written for each kind of provider, without its SDK or a key. */
export const renderers: Readonly<Record<ProviderKind, RenderRequest>> = {
  openai: renderOpenAiRequest,
  anthropic: renderAnthropicRequest,
  gemini: renderGeminiRequest,
}

/** The provider's own line of a batch, without a line end: a line of OpenAI's or Gemini's input file, or an element of Anthropic's `requests`. */
export function lineOf(kind: ProviderKind, itemId: string, rendered: RenderedRequest): string {
  return JSON.stringify(envelopeOf(kind, itemId, rendered, rendered.body))
}

/**
 * The exact bytes of that line in the request, with what separates it from the next one (a line end in a file, a comma in Anthropic's array, where the
 * last one has none; what is around all lines, `anthropicEnvelopeBytes`, is not in it), and its estimated tokens.
 */
export function measureLine(kind: ProviderKind, itemId: string, rendered: RenderedRequest): BodySize {
  const around = JSON.stringify(envelopeOf(kind, itemId, rendered, 0)).length - 1
  const { bytes, tokens } = measureBody(rendered.body)
  return { bytes: around + bytes + separatorBytes, tokens }
}

const separatorBytes = 1

/**
 * `{"requests":[` and `]}` around all elements, less the comma that the last one does not have. `max_bytes` in `models/anthropic.yaml` is smaller by
 * this, so that batches can be split by the sum of their lines alone.
 */
export const anthropicEnvelopeBytes = 14

function envelopeOf(
  kind: ProviderKind,
  itemId: string,
  { endpoint }: RenderedRequest,
  body: RenderedRequest['body'] | 0,
): object {
  switch (kind) {
    case 'openai':
      return { custom_id: itemId, method: 'POST', url: endpoint, body }
    case 'anthropic':
      return { custom_id: itemId, params: body }
    case 'gemini':
      return { key: itemId, request: body }
  }
}
