import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { EmbedRequest, GenerateRequest, ItemRequest, NativeRequest } from './canonical-request.ts'
import { toContentsBody } from './gemini-contents.ts'
import { addGenerationConfig, asObject, dropUnsupportedConfig } from './gemini-parameters.ts'
import { reviseRequest } from './gemini-revision.ts'
import type { JobDefaults, RenderRequest, RenderedRequest } from './rendering.ts'
import { applyDefaults, begunAnswer, checkCapabilities, chooseModel } from './request-defaults.ts'
import { renderTranslated } from './translation.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * Gemini's methods of a model, which a batch is for one of. A job's `endpoint`, in OpenAI's spelling, only says whether it is for answers or for embeddings.
 */
export const geminiEndpoints = { generate: 'generateContent', embed: 'embedContent' } as const

/**
 * Renders a request as Gemini's GenerateContentRequest or EmbedContentRequest. The model is not in it: a batch has one, and names it in its address. Throws
 * `unsupported_request` that names the field. What the model does not take is left out with a warning; what would change the question (images, tools, the
 * schema) is never left out.
 */
export const renderGeminiRequest: RenderRequest = (request, defaults, capabilitiesOf, revision) => {
  const warnings: string[] = []
  const model = chooseModel(request, defaults, 'gemini')
  const capabilities = capabilitiesOf(model)
  const { endpoint, body } = renderBody(request, { model, capabilities, defaults, warnings })
  const revised =
    revision === undefined || endpoint === geminiEndpoints.embed ? body : reviseRequest(body, revision, capabilities, warnings)
  return { model, endpoint, body: revised, warnings } satisfies RenderedRequest
}

interface RenderContext {
  readonly model: string
  readonly capabilities: ModelCapabilities
  readonly defaults: JobDefaults
  readonly warnings: string[]
}

function renderBody(request: ItemRequest, context: RenderContext): { endpoint: string; body: JsonObject } {
  switch (request.kind) {
    case 'native':
      return renderNative(request, context)
    case 'embed':
      return { endpoint: geminiEndpoints.embed, body: renderEmbed(request, context) }
    case 'generate':
      return { endpoint: geminiEndpoints.generate, body: renderGenerate(request, context) }
  }
}

/** The request as it came. Only a fallback model, which its writer could not know, gets one that is cleaned for it. */
function renderNative(request: NativeRequest, context: RenderContext): { endpoint: string; body: JsonObject } {
  const { model, capabilities, defaults, warnings } = context
  if (request.format !== 'gemini') return renderTranslated(request, context, renderBody)
  const { endpoint, body } = request
  const isEmbedding = endpoint === geminiEndpoints.embed
  const field = isEmbedding ? 'request.content' : 'request.contents'
  checkKind(isEmbedding, field, context)
  const named = body['model']
  if (defaults.modelOverride === null || named === model || named === `models/${model}`) return { endpoint, body }
  const ownModel = named === undefined ? body : { ...body, model: `models/${model}` }
  return { endpoint, body: isEmbedding ? ownModel : dropUnsupportedConfig(ownModel, capabilities, warnings) }
}

/** https://ai.google.dev/gemini-api/docs/embeddings */
function renderEmbed(request: EmbedRequest & Options, context: RenderContext): JsonObject {
  checkKind(true, 'input', context)
  const body: JsonObject = { content: { parts: [{ text: request.input }] } }
  if (request.dimensions !== undefined) body['outputDimensionality'] = request.dimensions
  return { ...body, ...request.provider_options?.['gemini'] }
}

function renderGenerate(line: GenerateRequest & Options, context: RenderContext): JsonObject {
  const { model, capabilities, defaults, warnings } = context
  checkKind(false, 'messages', context)
  const request = applyDefaults(line, defaults)
  checkCapabilities(request, model, capabilities)
  const spoken = request.messages.filter((message) => message.role !== 'system')
  if (spoken.length === 0) throw unsupportedRequest('messages', 'Gemini needs a message beside the system prompt')
  if (capabilities.reasoning && spoken.at(-1)?.role === 'assistant')
    throw begunAnswer(
      request.messages.findLastIndex(({ role }) => role === 'assistant'),
      model,
    )
  const signsCalls = capabilities.thinkingBudget === undefined
  const body = toContentsBody(request, { signsCalls }, warnings)
  addGenerationConfig(body, request, capabilities, warnings)
  return withOptions(body, line.provider_options?.['gemini'])
}

/** The model and the job must be for what the line asks: an answer, or an embedding. */
function checkKind(isEmbedding: boolean, field: string, { model, capabilities, defaults }: RenderContext): void {
  if (isEmbedding) {
    if (defaults.endpoint !== null && defaults.endpoint !== '/v1/embeddings')
      throw unsupportedRequest(
        field,
        `asks for an embedding, but the job goes to ${defaults.endpoint}: give \`prompt\` or \`messages\``,
      )
    if (capabilities.known && !capabilities.embeddings)
      throw unsupportedRequest(field, `asks for an embedding, which ${model} does not make: choose gemini-embedding-2`)
    return
  }
  const isForEmbeddings = capabilities.known && capabilities.embeddings && !capabilities.structuredOutput
  if (isForEmbeddings || defaults.endpoint === '/v1/embeddings')
    throw unsupportedRequest(
      field,
      isForEmbeddings
        ? `${model} makes embeddings: give \`input\` instead`
        : 'asks for an answer, but the job goes to /v1/embeddings: leave out its endpoint, or give `input`',
    )
}

/** Merged last; what is said of `generationConfig` is added to it, so that one option doesn't take the others away. */
function withOptions(body: JsonObject, options: JsonObject | undefined): JsonObject {
  if (options === undefined) return body
  if (body['generationConfig'] === undefined || options['generationConfig'] === undefined) return { ...body, ...options }
  return {
    ...body,
    ...options,
    generationConfig: { ...asObject(body['generationConfig']), ...asObject(options['generationConfig']) },
  }
}

type Options = { provider_options?: Record<string, JsonObject> }
