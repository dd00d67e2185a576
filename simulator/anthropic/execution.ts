import type { ItemFault } from '../item-faults.ts'
import type { JsonObject } from '../json.ts'
import type { Usage } from '../usage.ts'
import { renderAnswer, type AnswerIdentity } from './answer.ts'
import { errorForStatus, invalidRequest, notFound, type AnthropicError } from './errors.ts'
import { isKnownModel } from './models.ts'
import { refusedParameter, type ParameterRules } from './parameters.ts'
import type { Prompt } from './prompt.ts'
import type { WireMessage } from './wire.ts'

/** What becomes of one request; `expired` was never executed, `lost` appears nowhere. */
export type Execution =
  | { readonly type: 'answered'; readonly body: WireMessage; readonly usage: Usage }
  | { readonly type: 'refused'; readonly error: AnthropicError }
  | { readonly type: 'expired' }
  | { readonly type: 'lost'; readonly usage: Usage }

export interface ExecutionRules extends ParameterRules {
  readonly refuseUnknownModels: boolean
}

export function execute(
  params: JsonObject,
  prompt: Prompt,
  fault: ItemFault | null,
  identity: AnswerIdentity,
  rules: ExecutionRules,
): Execution {
  const refused = faultError(params, fault) ?? refusedParameter(params, rules) ?? unknownModel(prompt.model, rules)
  if (refused !== null) return { type: 'refused', error: refused }
  if (fault?.kind === 'expired') return { type: 'expired' }
  const answer = renderAnswer(prompt, fault, identity)
  return fault?.kind === 'missing' ? { type: 'lost', usage: answer.usage } : { type: 'answered', ...answer }
}

function unknownModel(model: string, { refuseUnknownModels }: ExecutionRules): AnthropicError | null {
  return refuseUnknownModels && !isKnownModel(model) ? notFound(`model: ${model}`) : null
}

function faultError(params: JsonObject, fault: ItemFault | null): AnthropicError | null {
  switch (fault?.kind) {
    case 'transient':
    // A line without a status is OpenAI's; the nearest to it here is an error that says nothing.
    case 'status_zero':
      return errorForStatus(500)
    case 'rate_limited':
      return errorForStatus(429)
    case 'overloaded':
      return errorForStatus(529)
    case 'auth':
      return errorForStatus(401)
    case 'invalid_request':
      if (fault.param === undefined) return invalidRequest('The simulator was told to refuse this prompt.')
      return params[fault.param] === undefined ? null : invalidRequest(`${fault.param}: Extra inputs are not permitted`)
    case 'unknown_directive':
      return invalidRequest(`The simulator does not know the directive ${fault.directive ?? ''}`)
    default:
      return null
  }
}
