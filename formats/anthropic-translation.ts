import type { Json, JsonObject } from '../core/json.ts'
import { translateTurn, toTexts } from './anthropic-turn-translation.ts'
import {
  fieldsOf,
  type NativeField,
  type NativeFields,
  refuseRest,
  requireList,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeText,
} from './native-fields.ts'
import { effortOfBudget } from './thinking-budget.ts'
import {
  addMessage,
  createDraft,
  finishDraft,
  leaveOut,
  setField,
  type Translation,
  type TranslationDraft,
  warn,
} from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** Parameters that say nothing about the question: left out, with a warning. */
const incidental = ['cache_control', 'diagnostics', 'metadata', 'service_tier', 'top_k'] as const

/**
 * `params` of Anthropic's Messages API as a request in nobody's terms. Throws `unsupported_request` that names the field for whatever would change the question if it
 * were left out. https://platform.claude.com/docs/en/api/messages/create
 */
export function fromAnthropicParams(params: JsonObject): Translation {
  const draft = createDraft('params', 'messages')
  const fields = fieldsOf(params, 'params')
  take(fields, 'model')
  const system = take(fields, 'system')
  if (system !== undefined) {
    const texts = toTexts(system, draft)
    if (texts.length > 0) addMessage(draft, 'system', texts, system.path)
  }
  for (const turn of requireList(takeRequired(fields, 'messages'))) translateTurn(turn, draft)
  for (const name of ['max_tokens', 'temperature', 'top_p']) setField(draft, name, take(fields, name))
  const stop = take(fields, 'stop_sequences')
  if (stop !== undefined && requireList(stop).length > 0) setField(draft, 'stop', stop)
  const tools = take(fields, 'tools')
  if (tools !== undefined) setField(draft, 'tools', { ...tools, value: requireList(tools).map((tool) => toTool(tool, draft)) })
  translateToolChoice(take(fields, 'tool_choice'), draft)
  // The older name of `output_config.format`.
  addFormat(take(fields, 'output_format'), draft)
  const config = take(fields, 'output_config')
  if (config !== undefined) {
    const output = fieldsOf(config.value, config.path)
    addFormat(take(output, 'format'), draft)
    setField(draft, 'reasoning_effort', take(output, 'effort'))
    refuseRest(output)
  }
  translateThinking(take(fields, 'thinking'), draft)
  takeOnly(fields, 'stream', false)
  leaveOut(draft, fields, incidental)
  refuseRest(fields)
  return finishDraft(draft)
}

function addFormat(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  const format = fieldsOf(field.value, field.path)
  takeOnly(format, 'type', 'json_schema')
  setField(draft, 'schema', { ...takeRequired(format, 'schema'), path: field.path })
  refuseRest(format)
}

/** Tools without a type, or of type `custom`, are the user's; all others are Anthropic's own, and run there. */
function toTool({ value, path }: NativeField, draft: TranslationDraft): JsonObject {
  const fields = fieldsOf(value, path)
  const type = take(fields, 'type')
  if (type !== undefined && type.value !== 'custom')
    throw unsupportedRequest(type.path, `${JSON.stringify(type.value)} is a tool of Anthropic's own`)
  const tool: JsonObject = { name: takeRequiredText(fields, 'name'), parameters: takeRequired(fields, 'input_schema').value }
  const description = takeText(fields, 'description')
  if (description !== undefined) tool['description'] = description
  // Calls are checked by whoever runs the tool.
  take(fields, 'strict')
  leaveOut(draft, fields, ['cache_control', 'eager_input_streaming'])
  takeOnly(fields, 'defer_loading', false)
  takeDirect(fields, 'allowed_callers', ['direct'])
  refuseRest(fields)
  return tool
}

function takeDirect(fields: NativeFields, name: string, direct: Json): void {
  const field = take(fields, name)
  if (field !== undefined && JSON.stringify(field.value) !== JSON.stringify(direct))
    throw unsupportedRequest(field.path, 'only calls by the model itself can be translated')
}

function translateToolChoice(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  const choice = fieldsOf(field.value, field.path)
  if (take(choice, 'type')?.value !== 'auto') throw unsupportedRequest(field.path, 'only {"type": "auto"} can be translated')
  leaveOut(draft, choice, ['disable_parallel_tool_use'])
  refuseRest(choice)
}

/** How much to think is an effort elsewhere, which wins where the line gives both. https://platform.claude.com/docs/en/build-with-claude/extended-thinking */
function translateThinking(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  const thinking = fieldsOf(field.value, field.path)
  const type = takeRequiredText(thinking, 'type')
  const budget = take(thinking, 'budget_tokens')
  // Whether the thoughts are shown; they are no part of an answer here.
  leaveOut(draft, thinking, ['display'])
  refuseRest(thinking)
  if (draft.line['reasoning_effort'] !== undefined) return
  if (type === 'disabled') setField(draft, 'reasoning_effort', { value: 'none', path: field.path })
  else if (type === 'enabled' && typeof budget?.value === 'number') {
    const effort = effortOfBudget(budget.value)
    warn(draft, `thinking.budget_tokens sent as the effort "${effort}"`)
    setField(draft, 'reasoning_effort', { value: effort, path: budget.path })
  } else warn(draft, `thinking left out: models differ in how much they think by themselves`)
}
