import type OpenAI from 'openai'
import { isObject, type JsonObject } from '../json.ts'
import { missingInput } from './parameters.ts'
import type { Endpoint, OnTheWire } from './wire.ts'

export type BatchError = OnTheWire<OpenAI.BatchError>

export interface BatchLine {
  readonly customId: string
  readonly model: string
  readonly body: JsonObject
}

export interface LineRules {
  readonly endpoint: Endpoint
  readonly isKnownModel: (model: string) => boolean
}

/** What the lines before have in common with the next one. */
export interface SeenLines {
  readonly customIds: Set<string>
  model: string | null
}

/**
 * Reads one line of an input file, or says what is wrong with it as OpenAI says it. Codes and texts as observed:
 * https://github.com/meta-llama/llama-stack/blob/main/tests/integration/batches/test_batches_errors.py (invalid_json_line, missing_required_parameter,
 * invalid_url, streaming_unsupported, model_not_found, invalid_request), https://community.openai.com/t/723696 (duplicate_custom_id), and
 * https://help.aliyun.com/en/model-studio/error-code-start (mismatched_model, of a compatible server that repeats OpenAI's text).
 */
export function readBatchLine(text: string, line: number, rules: LineRules, seen: SeenLines): BatchLine | BatchError {
  let request: unknown
  try {
    request = JSON.parse(text)
  } catch {
    return { code: 'invalid_json_line', message: 'This line is not parseable as valid JSON.', param: null, line }
  }
  if (!isObject(request)) return { code: 'invalid_request', message: 'Each line must be a JSON object.', param: null, line }
  for (const name of ['custom_id', 'method', 'url', 'body']) {
    if (request[name] === undefined || request[name] === null) {
      return { code: 'missing_required_parameter', message: `Missing required parameter: '${name}'.`, param: name, line }
    }
  }
  const { custom_id: customId, method, url, body } = request
  if (typeof customId !== 'string')
    return { code: 'invalid_type', message: "Invalid type for 'custom_id': expected a string.", param: 'custom_id', line }
  if (method !== 'POST') return { code: 'invalid_method', message: 'Only the method POST is supported.', param: 'method', line }
  if (url !== rules.endpoint) {
    return {
      code: 'invalid_url',
      message: 'The URL provided for this request does not match the batch endpoint.',
      param: 'url',
      line,
    }
  }
  if (!isObject(body))
    return { code: 'invalid_type', message: "Invalid type for 'body': expected an object.", param: 'body', line }
  if (seen.customIds.has(customId)) {
    const message =
      'The custom_id for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.'
    return { code: 'duplicate_custom_id', message, param: 'custom_id', line }
  }
  seen.customIds.add(customId)
  return checkBody(customId, body, line, rules, seen)
}

function checkBody(customId: string, body: JsonObject, line: number, rules: LineRules, seen: SeenLines): BatchLine | BatchError {
  const model = body['model']
  if (typeof model !== 'string' || model === '')
    return { code: 'invalid_request', message: 'Model parameter is required.', param: 'body.model', line }
  const missing = missingInput(rules.endpoint, body)
  if (missing !== null) {
    return {
      code: 'invalid_request',
      message: `${missing === 'messages' ? 'Messages' : 'Input'} parameter is required.`,
      param: `body.${missing}`,
      line,
    }
  }
  if (body['stream'] === true) {
    const name = rules.endpoint === '/v1/chat/completions' ? 'Chat Completions' : 'Responses'
    return {
      code: 'streaming_unsupported',
      message: `${name}: Streaming is not supported in the Batch API.`,
      param: 'body.stream',
      line,
    }
  }
  seen.model ??= model
  if (model !== seen.model) {
    const message =
      'The model for this request does not match the rest of the batch. Each batch must contain requests for a single model.'
    return { code: 'mismatched_model', message, param: 'body.model', line }
  }
  if (!rules.isKnownModel(model)) {
    return {
      code: 'model_not_found',
      message: `The provided model '${model}' is not supported by the Batch API.`,
      param: 'body.model',
      line,
    }
  }
  return { customId, model, body }
}

export function isBatchError(read: BatchLine | BatchError): read is BatchError {
  return 'code' in read
}
