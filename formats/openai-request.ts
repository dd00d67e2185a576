import type { Endpoint } from '../core/job-spec.ts'
import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { EmbedRequest, GenerateRequest, ItemRequest, NativeRequest } from './canonical-request.ts'
import { toChatBody } from './openai-chat-body.ts'
import { addParameters, dropUnsupported } from './openai-parameters.ts'
import { toResponsesBody } from './openai-responses-body.ts'
import { reviseBody } from './openai-revision.ts'
import type { JobDefaults, RenderRequest, RenderedRequest } from './rendering.ts'
import { applyDefaults, begunAnswer, checkCapabilities, chooseModel, withModel } from './request-defaults.ts'
import { renderTranslated } from './translation.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/**
 * Renders a request for OpenAI, or for an endpoint that speaks its protocol. Throws `unsupported_request` that names the field.
 * What the model does not take is left out with a warning; what would change the question (images, tools, the schema) is never left out.
 */
export const renderOpenAiRequest: RenderRequest = (request, defaults, capabilitiesOf, revision) => {
  const warnings: string[] = []
  const model = chooseModel(request, defaults, 'openai')
  const capabilities = capabilitiesOf(model)
  const { endpoint, body } = renderBody(request, { model, capabilities, defaults, warnings })
  const revised = revision === undefined ? body : reviseBody(body, endpoint, revision, capabilities, warnings)
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
      return { endpoint: '/v1/embeddings', body: renderEmbed(request, context) }
    case 'generate':
      return renderGenerate(request, context)
  }
}

/** The body as it came, but for the model. Only a fallback model, which its writer could not know, gets a body that is cleaned for it. */
function renderNative(request: NativeRequest, context: RenderContext): { endpoint: string; body: JsonObject } {
  if (request.format !== 'openai') return renderTranslated(request, context, renderBody)
  const { endpoint } = request
  const body = withModel(request.body, context.model)
  if (context.defaults.modelOverride === null || request.body['model'] === context.model) return { endpoint, body }
  return { endpoint, body: dropUnsupported(body, endpoint, context.capabilities, context.warnings) }
}

function renderEmbed(request: EmbedRequest & Options, context: RenderContext): JsonObject {
  const { model, capabilities, defaults } = context
  if (defaults.endpoint !== null && defaults.endpoint !== '/v1/embeddings') {
    throw unsupportedRequest(
      'input',
      `asks for an embedding, but the job goes to ${defaults.endpoint}: give \`prompt\` or \`messages\``,
    )
  }
  if (capabilities.known && !capabilities.embeddings) {
    throw unsupportedRequest(
      'input',
      `asks for an embedding, which ${model} does not make: give \`prompt\` or \`messages\`, or choose text-embedding-3-small`,
    )
  }
  const body: JsonObject = { model, input: request.input }
  if (request.dimensions !== undefined) body['dimensions'] = request.dimensions
  return { ...body, ...request.provider_options?.['openai'] }
}

function renderGenerate(line: GenerateRequest & Options, context: RenderContext): { endpoint: Endpoint; body: JsonObject } {
  const { model, capabilities, defaults, warnings } = context
  const endpoint = defaults.endpoint ?? capabilities.endpoints?.[0] ?? '/v1/chat/completions'
  if (endpoint === '/v1/embeddings') throw noAnswer(context)
  if (capabilities.endpoints !== null && !capabilities.endpoints.includes(endpoint)) {
    throw unsupportedRequest(
      'endpoint',
      `${model} can not be called at ${endpoint}, only at ${capabilities.endpoints.join(', ')}`,
    )
  }
  const request = applyDefaults(line, defaults)
  checkCapabilities(request, model, capabilities)
  const body = endpoint === '/v1/responses' ? toResponsesBody(model, request) : toChatBody(model, request)
  checkEnd(request, context)
  addParameters(body, endpoint, request, capabilities, warnings)
  return { endpoint, body: { ...body, ...line.provider_options?.['openai'] } }
}

/** A prompt for a model, or a job, that is for embeddings. */
function noAnswer({ model, capabilities, defaults }: RenderContext): Error {
  const reason =
    defaults.endpoint === null || (capabilities.known && capabilities.embeddings)
      ? `${model} makes embeddings: give \`input\` instead of a prompt`
      : 'asks for an answer, but the job goes to /v1/embeddings: leave out its endpoint, or give `input`'
  return unsupportedRequest('prompt', reason)
}

/**
 * OpenAI's models begin an answer of their own after one that was begun for them. What servers of its protocol make of it is known to whoever runs them: some go on
 * when they are asked to. https://github.com/sgl-project/sglang/issues/3971
 */
function checkEnd({ messages }: GenerateRequest, { model, capabilities, warnings }: RenderContext): void {
  if (messages.at(-1)?.role !== 'assistant') return
  const last = messages.length - 1
  if (capabilities.known) throw begunAnswer(last, model)
  warnings.push(`messages[${last}]: whether ${model} goes on with an answer that was begun for it is not known`)
}

type Options = { provider_options?: Record<string, JsonObject> }
