import type { JsonObject } from '../core/json.ts'
import {
  type NativeField,
  type NativeFields,
  readObject,
  requireList,
  requireText,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeSilently,
  takeText,
} from './native-fields.ts'
import {
  incidentalOfBody,
  incidentalOfPart,
  takeSchema,
  toFilePart,
  toFunction,
  toRefusal,
  toSourcePart,
} from './openai-common-translation.ts'
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
  warnMovedCalls,
} from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** What says nothing about the question, of this endpoint and of both: left out, with a warning. */
const incidental = [...incidentalOfBody, 'background', 'include', 'max_tool_calls', 'truncation'] as const

/**
 * The body of a line for `/v1/responses` as a request in nobody's terms. Throws `unsupported_request` that names the field for whatever would change the question
 * if it were left out: what is kept at OpenAI (`previous_response_id`, `conversation`, `prompt`, files by their ids) can't be read by others.
 * https://developers.openai.com/api/reference/resources/responses/methods/create
 */
export function fromResponsesBody(body: JsonObject): Translation {
  const draft = createDraft('body', 'input')
  readObject({ value: body, path: 'body' }, (fields) => {
    takeSilently(fields, 'model')
    const instructions = take(fields, 'instructions')
    if (instructions !== undefined) {
      addMessage(draft, 'system', [textPart(requireText(instructions), instructions.path)], instructions.path)
    }
    translateInput(takeRequired(fields, 'input'), draft)
    setField(draft, 'max_tokens', take(fields, 'max_output_tokens'))
    for (const name of ['temperature', 'top_p']) setField(draft, name, take(fields, name))
    const text = take(fields, 'text')
    if (text !== undefined) translateText(text, draft)
    const reasoning = take(fields, 'reasoning')
    if (reasoning !== undefined) translateReasoning(reasoning, draft)
    const tools = take(fields, 'tools')
    if (tools !== undefined) setField(draft, 'tools', { ...tools, value: requireList(tools).map(toTool) })
    takeOnly(fields, 'tool_choice', 'auto')
    takeOnly(fields, 'stream', false)
    takeOnly(fields, 'top_logprobs', 0)
    leaveOut(draft, fields, incidental)
  })
  return finishDraft(draft)
}

function translateText(field: NativeField, draft: TranslationDraft): void {
  readObject(field, (text) => {
    leaveOut(draft, text, ['verbosity'])
    const format = take(text, 'format')
    if (format === undefined) return
    readObject(format, (fields) => {
      const type = take(fields, 'type')?.value
      if (type === 'text') return
      if (type !== 'json_schema') throw unsupportedRequest(format.path, 'only "text" and "json_schema" can be translated')
      takeSchema(fields, draft)
    })
  })
}

function translateReasoning(field: NativeField, draft: TranslationDraft): void {
  readObject(field, (reasoning) => {
    setField(draft, 'reasoning_effort', take(reasoning, 'effort'))
    // What is told of the thoughts, and which earlier ones are kept.
    leaveOut(draft, reasoning, ['summary', 'generate_summary', 'context'])
    takeOnly(reasoning, 'mode', 'standard')
  })
}

/** The model's last turn: its text, and then its calls, which are items of their own here. */
interface Answer {
  readonly parts: DraftPart[]
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
  const translateItem = (fields: NativeFields) => {
    const { path } = fields
    const type = takeText(fields, 'type') ?? 'message'
    // They say when and how an item came to be.
    takeSilently(fields, 'id', 'status')
    switch (type) {
      case 'message': {
        takeSilently(fields, 'phase')
        const role = takeRequiredText(fields, 'role')
        const parts = toParts(takeRequired(fields, 'content'), role, draft)
        if (role === 'assistant' && answer !== null && answer.calls.length > 0) {
          // Nothing but results may follow the calls.
          warnMovedCalls(draft, path)
          answer.parts.push(...parts)
          return
        }
        endAnswer()
        if (role === 'assistant') answer = { parts, calls: [], path }
        else addMessage(draft, role === 'developer' ? 'system' : role, parts, path)
        return
      }
      case 'function_call':
        answer ??= { parts: [], calls: [], path }
        answer.calls.push(toCall(fields))
        return
      case 'function_call_output':
        endAnswer()
        takeCaller(fields)
        // The call that it answers has it.
        takeSilently(fields, 'name')
        addResult(draft, takeRequiredText(fields, 'call_id'), toOutput(takeRequired(fields, 'output'), draft), path)
        return
      case 'reasoning':
        takeSilently(fields, 'summary', 'content', 'encrypted_content')
        warn(draft, 'reasoning left out: only the model that had the thoughts can read them')
        return
      default:
        throw unsupportedRequest(
          `${path}.type`,
          'only message, function_call, function_call_output and reasoning can be translated',
        )
    }
  }
  for (const item of requireList(input)) readObject(item, translateItem)
  endAnswer()
}

function toCall(fields: NativeFields): DraftCall {
  takeCaller(fields)
  takeOnly(fields, 'async', false)
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
  if (caller !== undefined) readObject(caller, (by) => takeOnly(by, 'type', 'direct'))
}

/** A result is a text, or texts. */
function toOutput(output: NativeField, draft: TranslationDraft): string {
  if (typeof output.value === 'string') return output.value
  return requireList(output)
    .map((part) =>
      readObject(part, (fields) => {
        if (take(fields, 'type')?.value !== 'input_text')
          throw unsupportedRequest(`${part.path}.type`, 'only input_text can be translated in a result')
        leaveOut(draft, fields, incidentalOfPart)
        return takeRequiredText(fields, 'text')
      }),
    )
    .join('')
}

function toParts(content: NativeField, role: string, draft: TranslationDraft): DraftPart[] {
  if (typeof content.value === 'string') return [textPart(content.value, content.path)]
  return requireList(content).map((part) => readObject(part, (fields) => toPart(fields, role, draft)))
}

function toPart(fields: NativeFields, role: string, draft: TranslationDraft): DraftPart {
  const { path } = fields
  const type = takeRequiredText(fields, 'type')
  leaveOut(draft, fields, incidentalOfPart)
  switch (type) {
    case 'output_text':
      // Of how the text came to be.
      takeSilently(fields, 'annotations', 'logprobs')
      return textPart(takeRequiredText(fields, 'text'), path)
    case 'refusal':
      return toRefusal(takeRequired(fields, 'refusal'))
    case 'input_text':
      return textPart(takeRequiredText(fields, 'text'), path)
    case 'input_image': {
      takeSilently(fields, 'detail')
      const url = take(fields, 'image_url')
      if (url === undefined) throw unsupportedRequest(path, 'only an image by its address or data can be translated, not its id')
      return toSourcePart({ type: 'image' }, url, path)
    }
    case 'input_file': {
      takeSilently(fields, 'detail')
      const source = take(fields, 'file_data') ?? take(fields, 'file_url')
      if (source === undefined) throw unsupportedRequest(path, 'only a file by its address or data can be translated, not its id')
      return toFilePart(takeText(fields, 'filename'), source, path, `${path}.filename`)
    }
    default:
      throw unsupportedRequest(
        `${path}.type`,
        role === 'assistant'
          ? 'only output_text and refusal can be translated'
          : 'only input_text, input_image and input_file can be translated',
      )
  }
}

function textPart(text: string, path: string): DraftPart {
  return { part: { type: 'text', text }, path }
}

function toTool(tool: NativeField): JsonObject {
  return readObject(tool, (fields) => {
    if (take(fields, 'type')?.value !== 'function')
      throw unsupportedRequest(`${tool.path}.type`, 'only function tools can be translated')
    for (const name of ['async', 'defer_loading']) takeOnly(fields, name, false)
    return toFunction(fields)
  })
}
