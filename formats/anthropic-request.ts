import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import { toMessagesBody } from './anthropic-messages.ts'
import { addMessagesParameters, dropUnsupportedParams } from './anthropic-parameters.ts'
import { reviseParams } from './anthropic-revision.ts'
import type { CanonicalRequest, ItemRequest, NativeRequest } from './canonical-request.ts'
import type { JobDefaults, RenderRequest, RenderedRequest } from './rendering.ts'
import { applyDefaults, begunAnswer, checkCapabilities, chooseModel, withModel } from './request-defaults.ts'
import { renderTranslated } from './translation.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Anthropic has one endpoint; a job's `endpoint`, in OpenAI's spelling, only says whether it is for answers or for embeddings. */
export const anthropicEndpoint = '/v1/messages'

/**
 * Renders a request as `params` of Anthropic's Messages API. Throws `unsupported_request` that names the field. What the model does not take is left out
 * with a warning; what would change the question (images, tools, the schema) is never left out.
 */
export const renderAnthropicRequest: RenderRequest = (request, defaults, capabilitiesOf, revision) => {
  const warnings: string[] = []
  const model = chooseModel(request, defaults, 'anthropic')
  const capabilities = capabilitiesOf(model)
  const params = renderParams(request, { model, capabilities, defaults, warnings })
  const body = revision === undefined ? params : reviseParams(params, revision, capabilities, warnings)
  return { model, endpoint: anthropicEndpoint, body, warnings } satisfies RenderedRequest
}

interface RenderContext {
  readonly model: string
  readonly capabilities: ModelCapabilities
  readonly defaults: JobDefaults
  readonly warnings: string[]
}

function renderParams(request: ItemRequest, context: RenderContext): JsonObject {
  if (context.defaults.endpoint === '/v1/embeddings') throw noEmbeddings('endpoint')
  switch (request.kind) {
    case 'native':
      return renderNative(request, context)
    case 'embed':
      throw noEmbeddings('input')
    case 'generate':
      return renderGenerate(request, context)
  }
}

function noEmbeddings(field: string): Error {
  return unsupportedRequest(field, 'asks for an embedding, which Anthropic does not make: give `prompt` or `messages`')
}

/** The params as they came, but for the model. Only a fallback model, which their writer could not know, gets params that are cleaned for it. */
function renderNative(request: NativeRequest, context: RenderContext): JsonObject {
  const { model, capabilities, defaults, warnings } = context
  if (request.format !== 'anthropic') return renderTranslated(request, context, renderParams)
  const params = withModel(request.body, model)
  if (defaults.modelOverride === null || request.body['model'] === model) return params
  return dropUnsupportedParams(params, capabilities, warnings)
}

function renderGenerate(line: Extract<CanonicalRequest, { kind: 'generate' }>, context: RenderContext): JsonObject {
  const { model, capabilities, defaults, warnings } = context
  const request = applyDefaults(line, defaults)
  checkCapabilities(request, model, capabilities)
  const spoken = request.messages.filter((message) => message.role !== 'system')
  if (spoken.length === 0) throw unsupportedRequest('messages', 'Anthropic needs a message beside the system prompt')
  // Claude 4.6 and later: https://platform.claude.com/docs/en/api/errors#prefill-not-supported
  const takesPrefill = !capabilities.reasoning && capabilities.thinksOnRequest !== true
  if (!takesPrefill && spoken.at(-1)?.role === 'assistant')
    throw begunAnswer(
      request.messages.findLastIndex(({ role }) => role === 'assistant'),
      model,
    )
  const body = toMessagesBody(model, request, warnings)
  addMessagesParameters(body, request, capabilities, warnings)
  return { ...body, ...line.provider_options?.['anthropic'] }
}
