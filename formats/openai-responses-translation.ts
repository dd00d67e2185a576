import type { JsonObject } from '../core/json.ts'
import {
  fieldsOf,
  type NativeField,
  type NativeFields,
  refuseRest,
  requireList,
  requireText,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeText,
} from './native-fields.ts'
import { namedFile, toFunction, toSourcePart } from './openai-chat-translation.ts'
import {
  addMessage,
  addResult,
  createDraft,
  type DraftCall,
  type DraftPart,
  finishDraft,
  leaveOut,
  setField,
  type Translation,
  type TranslationDraft,
  warn,
} from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Parameters that say nothing about the question: left out, with a warning. */
const incidental = [
  'background',
  'include',
  'max_tool_calls',
  'metadata',
  'moderation',
  'parallel_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'store',
  'stream_options',
  'truncation',
  'user',
] as const

/**
 * The body of a line for `/v1/responses` as a request in nobody's terms. Throws `unsupported_request` that names the field for whatever would change the question
 * if it were left out: what is kept at OpenAI (`previous_response_id`, `conversation`, `prompt`, files by their ids) can't be read by others.
 * https://developers.openai.com/api/reference/resources/responses/methods/create
 */
export function fromResponsesBody(body: JsonObject): Translation {
  const draft = createDraft('body', 'input')
  const fields = fieldsOf(body, 'body')
  take(fields, 'model')
  const instructions = take(fields, 'instructions')
  if (instructions !== undefined) {
    addMessage(draft, 'system', [textPart(requireText(instructions), instructions.path)], instructions.path)
  }
  translateInput(takeRequired(fields, 'input'), draft)
  setField(draft, 'max_tokens', take(fields, 'max_output_tokens'))
  for (const name of ['temperature', 'top_p']) setField(draft, name, take(fields, name))
  const text = take(fields, 'text')
  if (text !== undefined) translateText(fieldsOf(text.value, text.path), draft)
  const reasoning = take(fields, 'reasoning')
  if (reasoning !== undefined) translateReasoning(fieldsOf(reasoning.value, reasoning.path), draft)
  const tools = take(fields, 'tools')
  if (tools !== undefined) setField(draft, 'tools', { ...tools, value: requireList(tools).map(toTool) })
  takeOnly(fields, 'tool_choice', 'auto')
  takeOnly(fields, 'stream', false)
  takeOnly(fields, 'top_logprobs', 0)
  leaveOut(draft, fields, incidental)
  refuseRest(fields)
  return finishDraft(draft)
}

function translateText(text: NativeFields, draft: TranslationDraft): void {
  leaveOut(draft, text, ['verbosity'])
  const format = take(text, 'format')
  refuseRest(text)
  if (format === undefined) return
  const fields = fieldsOf(format.value, format.path)
  const type = take(fields, 'type')?.value
  if (type === 'text') return
  if (type !== 'json_schema') throw unsupportedRequest(format.path, 'only "text" and "json_schema" can be translated')
  setField(draft, 'schema', takeRequired(fields, 'schema'))
}

function translateReasoning(reasoning: NativeFields, draft: TranslationDraft): void {
  setField(draft, 'reasoning_effort', take(reasoning, 'effort'))
  // What is told of the thoughts, and which earlier ones are kept.
  leaveOut(draft, reasoning, ['summary', 'generate_summary', 'context'])
  takeOnly(reasoning, 'mode', 'standard')
  refuseRest(reasoning)
}

/** The model's last turn: its text, and then its calls, which are items of their own here. */
interface Answer {
  readonly parts: readonly DraftPart[]
  readonly calls: DraftCall[]
  readonly path: string
}

function translateInput(input: NativeField, draft: TranslationDraft): void {
  if (typeof input.value === 'string') {
    addMessage(draft, 'user', [textPart(input.value, input.path)], input.path)
    return
  }
  let answer: Answer | null = null
  const endAnswer = () => {
    if (answer !== null) addMessage(draft, 'assistant', answer.parts, answer.path, answer.calls)
    answer = null
  }
  for (const item of requireList(input)) {
    const fields = fieldsOf(item.value, item.path)
    const type = takeText(fields, 'type') ?? 'message'
    // They say when and how an item came to be.
    for (const name of ['id', 'status', 'phase']) take(fields, name)
    switch (type) {
      case 'message': {
        const role = takeRequiredText(fields, 'role')
        const parts = toParts(takeRequired(fields, 'content'), role)
        endAnswer()
        if (role === 'assistant') answer = { parts, calls: [], path: item.path }
        else addMessage(draft, role === 'developer' ? 'system' : role, parts, item.path)
        break
      }
      case 'function_call':
        answer ??= { parts: [], calls: [], path: item.path }
        answer.calls.push(toCall(fields))
        break
      case 'function_call_output':
        endAnswer()
        takeCaller(fields)
        addResult(draft, takeRequiredText(fields, 'call_id'), toOutput(takeRequired(fields, 'output')), item.path)
        for (const name of ['name', 'namespace']) take(fields, name)
        break
      case 'reasoning':
        warn(draft, 'reasoning left out: only the model that had the thoughts can read them')
        continue
      default:
        throw unsupportedRequest(
          `${item.path}.type`,
          'only message, function_call, function_call_output and reasoning can be translated',
        )
    }
    refuseRest(fields)
  }
  endAnswer()
}

function toCall(fields: NativeFields): DraftCall {
  takeCaller(fields)
  takeOnly(fields, 'async', false)
  takeOnly(fields, 'namespace')
  return {
    call: {
      id: takeRequiredText(fields, 'call_id'),
      name: takeRequiredText(fields, 'name'),
      arguments: takeText(fields, 'arguments') ?? '',
    },
    path: fields.path,
    fields: { id: `${fields.path}.call_id`, name: `${fields.path}.name`, arguments: `${fields.path}.arguments` },
  }
}

/** Calls by programs at OpenAI can't be told elsewhere. */
function takeCaller(fields: NativeFields): void {
  const caller = take(fields, 'caller')
  if (caller !== undefined) takeOnly(fieldsOf(caller.value, caller.path), 'type', 'direct')
}

/** A result is a text, or texts. */
function toOutput(output: NativeField): string {
  if (typeof output.value === 'string') return output.value
  return requireList(output)
    .map(({ value, path }) => {
      const fields = fieldsOf(value, path)
      const type = take(fields, 'type')
      if (type?.value !== 'input_text') throw unsupportedRequest(`${path}.type`, 'only input_text can be translated in a result')
      return takeRequiredText(fields, 'text')
    })
    .join('')
}

function toParts(content: NativeField, role: string): DraftPart[] {
  if (typeof content.value === 'string') return [textPart(content.value, content.path)]
  return requireList(content).map((part) => toPart(part, role))
}

function toPart({ value, path }: NativeField, role: string): DraftPart {
  const fields = fieldsOf(value, path)
  const type = takeRequiredText(fields, 'type')
  switch (type) {
    case 'input_text':
    case 'output_text':
      return textPart(takeRequiredText(fields, 'text'), path)
    case 'input_image': {
      const url = take(fields, 'image_url')
      if (url === undefined) throw unsupportedRequest(path, 'only an image by its address or data can be translated, not its id')
      return toSourcePart({ type: 'image' }, url, path)
    }
    case 'input_file': {
      const source = take(fields, 'file_data') ?? take(fields, 'file_url')
      if (source === undefined) throw unsupportedRequest(path, 'only a file by its address or data can be translated, not its id')
      return toSourcePart(namedFile(takeText(fields, 'filename')), source, path)
    }
    default:
      throw unsupportedRequest(
        `${path}.type`,
        role === 'assistant'
          ? 'only output_text can be translated'
          : 'only input_text, input_image and input_file can be translated',
      )
  }
}

function textPart(text: string, path: string): DraftPart {
  return { part: { type: 'text', text }, path }
}

function toTool({ value, path }: NativeField): JsonObject {
  const fields = fieldsOf(value, path)
  if (take(fields, 'type')?.value !== 'function')
    throw unsupportedRequest(`${path}.type`, 'only function tools can be translated')
  for (const name of ['async', 'defer_loading']) takeOnly(fields, name, false)
  return toFunction(fields)
}
