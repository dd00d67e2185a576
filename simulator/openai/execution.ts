import type { ItemFault } from '../item-faults.ts'
import type { JsonObject } from '../json.ts'
import type { Usage } from '../usage.ts'
import { renderAnswer, type AnswerBody, type AnswerIdentity } from './answer.ts'
import { refusedParameter } from './parameters.ts'
import type { Prompt } from './prompt.ts'
import type { Endpoint, WireError } from './wire.ts'

/**
 * What becomes of one request. `answered` and `refused` came from the model's endpoint, `unexecuted` is a line with an error but no response, `empty` a
 * response with status 0, `lost` appears nowhere.
 */
export type Execution =
  | { readonly type: 'answered'; readonly body: AnswerBody; readonly usage: Usage }
  | { readonly type: 'refused'; readonly status: number; readonly error: WireError }
  | { readonly type: 'unexecuted'; readonly code: string; readonly message: string }
  | { readonly type: 'empty' }
  | { readonly type: 'lost'; readonly usage: Usage }

/** From https://developers.openai.com/api/docs/guides/batch (batch expiration). */
export const expiredError = {
  code: 'batch_expired',
  message: 'This request could not be executed before the completion window expired.',
}
export const cancelledError = {
  code: 'batch_cancelled',
  message: 'This request could not be executed because the batch was cancelled.',
}

export function execute(
  endpoint: Endpoint,
  body: JsonObject,
  prompt: Prompt,
  fault: ItemFault | null,
  identity: AnswerIdentity,
  strict: boolean,
): Execution {
  const refused = faultError(body, prompt, fault) ?? refusedParameter(endpoint, body, strict)
  if (refused !== null) return { type: 'refused', status: refused.status, error: refused.error }
  if (fault?.kind === 'expired') return { type: 'unexecuted', ...expiredError }
  if (fault?.kind === 'status_zero') return { type: 'empty' }
  const answer = renderAnswer(endpoint, body, prompt, fault, identity)
  return fault?.kind === 'missing' ? { type: 'lost', usage: answer.usage } : { type: 'answered', ...answer }
}

function faultError(body: JsonObject, prompt: Prompt, fault: ItemFault | null): { status: number; error: WireError } | null {
  if (fault === null) return null
  switch (fault.kind) {
    case 'transient':
      return {
        status: 500,
        error: {
          message: 'The server had an error while processing your request. Sorry about that!',
          type: 'server_error',
          param: null,
          code: null,
        },
      }
    case 'rate_limited': {
      const message = `Rate limit reached for ${prompt.model} in organization org-simulator on tokens per min (TPM): Limit 200000, Used 199990, Requested ${prompt.inputTokens}. Please try again in 1s.`
      return { status: 429, error: { message, type: 'tokens', param: null, code: 'rate_limit_exceeded' } }
    }
    case 'overloaded':
      return {
        status: 503,
        error: {
          message: 'The engine is currently overloaded, please try again later.',
          type: 'server_error',
          param: null,
          code: null,
        },
      }
    case 'auth':
      return {
        status: 401,
        error: {
          message: 'Your authentication token is not from a valid issuer.',
          type: 'invalid_request_error',
          param: null,
          code: 'invalid_issuer',
        },
      }
    case 'invalid_request':
      if (fault.param !== undefined) {
        if (body[fault.param] === undefined) return null
        const message = `Unsupported parameter: '${fault.param}' is not supported with this model.`
        return {
          status: 400,
          error: { message, type: 'invalid_request_error', param: fault.param, code: 'unsupported_parameter' },
        }
      }
      return {
        status: 400,
        error: {
          message: 'Invalid request: the simulator was told to refuse this prompt.',
          type: 'invalid_request_error',
          param: null,
          code: 'invalid_value',
        },
      }
    case 'unknown_directive':
      return {
        status: 400,
        error: {
          message: `The simulator does not know the directive ${fault.directive ?? ''}`,
          type: 'invalid_request_error',
          param: null,
          code: 'unknown_directive',
        },
      }
    default:
      return null
  }
}
