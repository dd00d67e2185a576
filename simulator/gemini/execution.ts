import type { ItemFault } from '../item-faults.ts'
import type { JsonObject } from '../json.ts'
import type { Usage } from '../usage.ts'
import { embeddingAnswer, renderAnswer, type AnswerIdentity } from './answer.ts'
import { errorForStatus, invalidArgument, notFound, quotaExceeded, type GeminiError } from './errors.ts'
import { snakeName } from './field.ts'
import { isKnownModel } from './models.ts'
import { refusedEmbedding, refusedParameter } from './parameters.ts'
import type { EmbeddingPrompt, Prompt } from './prompt.ts'
import type { WireEmbedding, WireResponse } from './wire.ts'

/** What becomes of one request; `lost` appears nowhere. */
export type Execution<Body = WireResponse | WireEmbedding> =
  | { readonly type: 'answered'; readonly body: Body; readonly usage: Usage }
  | { readonly type: 'refused'; readonly error: GeminiError }
  | { readonly type: 'lost'; readonly usage: Usage }

export interface ExecutionRules {
  readonly strict: boolean
  /** In a batch, and `responseJsonSchema` goes wrong there. */
  readonly spoilsJsonSchema: boolean
}

export function execute(
  request: JsonObject,
  prompt: Prompt,
  given: ItemFault | null,
  identity: AnswerIdentity,
  { strict, spoilsJsonSchema }: ExecutionRules,
): Execution<WireResponse> {
  const error = faultError(request, prompt.model, given) ?? refusedParameter(prompt.model, request, strict)
  if (error !== null) return { type: 'refused', error }
  const spoilt: ItemFault | null =
    spoilsJsonSchema && prompt.byJsonSchema ? { kind: 'invalid_output', variant: 'wrong_schema' } : null
  const answer = renderAnswer(prompt, given ?? spoilt, identity)
  return given?.kind === 'missing' ? { type: 'lost', usage: answer.usage } : { type: 'answered', ...answer }
}

export function executeEmbedding(
  request: JsonObject,
  model: string,
  prompt: EmbeddingPrompt,
  fault: ItemFault | null,
  strict: boolean,
): Execution<WireEmbedding> {
  const error = faultError(request, model, fault) ?? refusedEmbedding(request, strict)
  if (error !== null) return { type: 'refused', error }
  const answer = embeddingAnswer(prompt)
  return fault?.kind === 'missing' ? { type: 'lost', usage: answer.usage } : { type: 'answered', ...answer }
}

/** As the API answers a name that it doesn't know, or that lacks the method. */
export function unknownModel(model: string, method: string): GeminiError {
  return notFound(
    `models/${model} is not found for API version v1beta, or is not supported for ${method}. Call ListModels to see the list of available models and their supported methods.`,
  )
}

/** Throws the API's 404 for a model that isn't known, if such are to be refused. */
export function refuseUnknownModel(model: string, method: string, refuseUnknown: boolean): void {
  if (model === '' || (refuseUnknown && !isKnownModel(model))) throw unknownModel(model, method)
}

function faultError(request: JsonObject, model: string, fault: ItemFault | null): GeminiError | null {
  switch (fault?.kind) {
    case 'transient':
    // A line without a status is OpenAI's; the nearest to it here is an error that says nothing.
    case 'status_zero':
      return errorForStatus(500)
    case 'rate_limited':
      return quotaExceeded('GenerateRequestsPerMinutePerProjectPerModel', model, null, 1)
    case 'overloaded':
      return errorForStatus(503)
    case 'expired':
      return errorForStatus(504)
    case 'auth':
      return errorForStatus(403)
    case 'invalid_request': {
      const { param } = fault
      if (param === undefined) return invalidArgument('Request contains an invalid argument.')
      return hasField(request, param)
        ? invalidArgument(`${snakeName(param)}: this parameter is not supported for this model.`)
        : null
    }
    case 'unknown_directive':
      return invalidArgument(`The simulator does not know the directive ${fault.directive ?? ''}`)
    default:
      return null
  }
}

/** Anywhere in the request: `temperature` is one level down, in the generation config. */
function hasField(request: JsonObject, name: string): boolean {
  const text = JSON.stringify(request)
  return text.includes(`"${name}":`) || text.includes(`"${snakeName(name)}":`)
}
