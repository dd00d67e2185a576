import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import type { GenerateRequest, ItemRequest, NativeRequest } from './canonical-request.ts'
import type { JobDefaults } from './rendering.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Where a native line has its request. */
export function nativeField(format: NativeRequest['format']): 'body' | 'params' | 'request' {
  switch (format) {
    case 'openai':
      return 'body'
    case 'anthropic':
      return 'params'
    case 'gemini':
      return 'request'
  }
}

/** Whether a line was written for another kind of provider than the one that it goes to. */
export function isForeign(request: ItemRequest, kind: ProviderKind): request is NativeRequest {
  return request.kind === 'native' && request.format !== kind
}

/** The model that a request goes to. Throws `unsupported_request` when none is named, or a provider's own line names another one than its job. */
export function chooseModel(request: ItemRequest, defaults: JobDefaults, kind: ProviderKind): string {
  const named = request.kind === 'native' ? request.body['model'] : undefined
  // Gemini's own spelling is `models/gemini-3.8-flash`.
  const own = typeof named === 'string' && kind === 'gemini' ? named.replace(/^models\//, '') : named
  if (defaults.modelOverride !== null) return defaults.modelOverride
  // A line that was written for another provider names a model of that one.
  if (defaults.model !== null && isForeign(request, kind)) return defaults.model
  const field = request.kind === 'native' ? `${nativeField(request.format)}.model` : 'model'
  if (typeof own === 'string' && own !== '') {
    if (defaults.model !== null && defaults.model !== own) {
      throw unsupportedRequest(field, `is "${own}", but the job is for "${defaults.model}": leave one of them out`)
    }
    return own
  }
  if (defaults.model !== null) return defaults.model
  throw unsupportedRequest(field, `no model: give the job one (-m ${kind}/MODEL)`)
}

/** The body of a native line with the model that it goes to; the same object where nothing changes. */
export function withModel(body: JsonObject, model: string): JsonObject {
  return body['model'] === model ? body : { ...body, model }
}

/** The job's own values, where the line is silent. */
export function applyDefaults(line: GenerateRequest, defaults: JobDefaults): GenerateRequest {
  const request: GenerateRequest = { ...line }
  if (defaults.system !== null && !line.messages.some((message) => message.role === 'system')) {
    request.messages = [{ role: 'system', content: defaults.system }, ...line.messages]
  }
  if (line.schema === undefined && defaults.schema !== null) request.schema = defaults.schema
  if (line.max_tokens === undefined && defaults.maxTokens !== null) request.max_tokens = defaults.maxTokens
  if (line.temperature === undefined && defaults.temperature !== null) request.temperature = defaults.temperature
  return request
}

/** Throws `unsupported_request` for tools, images and files that the model does not take: without them it would be another question. */
export function checkCapabilities(request: GenerateRequest, model: string, capabilities: ModelCapabilities): void {
  if ((request.tools?.length ?? 0) > 0 && !capabilities.tools) throw unsupportedRequest('tools', `${model} takes no tools`)
  if (capabilities.images && capabilities.files) return
  for (const [index, message] of request.messages.entries()) {
    if (typeof message.content === 'string') continue
    for (const [at, part] of message.content.entries()) {
      const path = `messages[${index}].content[${at}]`
      if (part.type === 'image' && !capabilities.images) throw unsupportedRequest(path, `${model} takes no images`)
      if (part.type === 'file' && !capabilities.files) throw unsupportedRequest(path, `${model} takes no files`)
    }
  }
}

/** An answer that was begun for a model that does not go on with it: it would answer something else. */
export function begunAnswer(messageIndex: number, model: string): Error {
  return unsupportedRequest(
    `messages[${messageIndex}]`,
    `${model} does not go on with an answer that was begun for it: end with a user's message`,
  )
}

/** No more than the model can answer with: above that the providers refuse the request. */
export function withinModel(maxTokens: number, name: string, capabilities: ModelCapabilities, warnings: string[]): number {
  const most = capabilities.maxOutputTokens
  if (most === null || maxTokens <= most) return maxTokens
  warnings.push(`${name} lowered from ${maxTokens} to ${most}, the most that the model can answer with`)
  return most
}

/** For a model, or a schema, for which the provider has no structured output. The answer is checked against the schema in any case. */
export function schemaInstruction(schema: JsonObject): string {
  return `Answer with only a JSON object that fits this JSON Schema:\n${JSON.stringify(schema)}`
}
