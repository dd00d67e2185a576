import { BatchwrightError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { fromAnthropicParams } from './anthropic-translation.ts'
import type { EmbedRequest, GenerateRequest, ItemRequest, NativeRequest } from './canonical-request.ts'
import { fromGeminiEmbedding } from './gemini-embedding-translation.ts'
import { fromGeminiRequest } from './gemini-translation.ts'
import { fromChatBody } from './openai-chat-translation.ts'
import { fromEmbeddingsBody } from './openai-embedding-translation.ts'
import { fromResponsesBody } from './openai-responses-translation.ts'
import { type JobDefaults, noDefaults } from './rendering.ts'
import { isForeign, nativeField } from './request-defaults.ts'
import type { Translation } from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * A native request in nobody's terms, so that it can be put in those of another provider. What says nothing about the question is left out with a warning; whatever
 * would change it throws `unsupported_request` with its path in the user's line.
 */
export function translate(request: NativeRequest): Translation {
  const known = translations.get(request)
  if (known !== undefined) return known
  const translation = translateAnew(request)
  translations.set(request, translation)
  return translation
}

// A line that is taken is looked at twice: for its schema, and to write it.
const translations = new WeakMap<NativeRequest, Translation>()

function translateAnew({ format, endpoint, body }: NativeRequest): Translation {
  switch (format) {
    case 'openai':
      if (endpoint === '/v1/embeddings') return fromEmbeddingsBody(body)
      return endpoint === '/v1/responses' ? fromResponsesBody(body) : fromChatBody(body)
    case 'anthropic':
      return fromAnthropicParams(body)
    case 'gemini':
      return body['content'] === undefined ? fromGeminiRequest(body) : fromGeminiEmbedding(body)
  }
}

/**
 * Renders a line of another provider: the job's values don't touch it, as they would not in its own place, but for the endpoint. What the renderer refuses is
 * named by its path in the user's line.
 */
export function renderTranslated<Context extends { readonly defaults: JobDefaults; readonly warnings: string[] }, Rendered>(
  native: NativeRequest,
  context: Context,
  render: (request: GenerateRequest | EmbedRequest, context: Context) => Rendered,
): Rendered {
  const { request, warnings, pathOf } = translate(native)
  const defaults: JobDefaults = { ...noDefaults, endpoint: context.defaults.endpoint }
  const own = { ...context, defaults, warnings: [] as string[] }
  try {
    const rendered = render(request, own)
    const root = nativeField(native.format)
    context.warnings.push(...warnings, ...own.warnings.map((text) => inOwnTerms(text, pathOf, root)))
    return rendered
  } catch (error) {
    if (!(error instanceof BatchwrightError) || error.code !== 'unsupported_request') throw error
    const { field, reason } = error.details as { field: string; reason: string }
    throw unsupportedRequest(pathOf(field), reason)
  }
}

/** A warning begins with what it is about; where that is a field of the line, it is called as the line calls it. */
function inOwnTerms(warning: string, pathOf: (path: string) => string, root: string): string {
  const [subject] = /^[\w.[\]]+/.exec(warning) ?? ['']
  const path = pathOf(subject)
  return path.startsWith(`${root}.`) ? path.slice(root.length + 1) + warning.slice(subject.length) : warning
}

/** The schema that a line itself asks its answer to fit, and where it has it. What a provider's own line asks of it is the provider's to keep. */
export function schemaOfRequest(request: ItemRequest, kind: ProviderKind): { schema: JsonObject; path: string } | undefined {
  const { request: asked, pathOf } = isForeign(request, kind) ? translate(request) : { request, pathOf: asWritten }
  return asked.kind === 'generate' && asked.schema !== undefined ? { schema: asked.schema, path: pathOf('schema') } : undefined
}

const asWritten = (path: string): string => path
