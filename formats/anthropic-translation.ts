import type { JsonObject } from '../core/json.ts'
import { translateTurn, toTexts } from './anthropic-turn-translation.ts'
import {
  type NativeField,
  type NativeFields,
  readObject,
  requireList,
  take,
  takeOnly,
  takeRequired,
  takeRequiredText,
  takeSilently,
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
  readObject({ value: params, path: 'params' }, (fields) => {
    takeSilently(fields, 'model')
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
    const effort = translateOutput(take(fields, 'output_config'), draft)
    translateThinking(take(fields, 'thinking'), effort, draft)
    takeOnly(fields, 'stream', false)
    leaveOut(draft, fields, incidental)
  })
  return finishDraft(draft)
}

/** Gives the effort back, which counts only together with `thinking`. */
function translateOutput(field: NativeField | undefined, draft: TranslationDraft): NativeField | undefined {
  if (field === undefined) return undefined
  return readObject(field, (config) => {
    addFormat(take(config, 'format'), draft)
    return take(config, 'effort')
  })
}

function addFormat(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  readObject(field, (format) => {
    takeOnly(format, 'type', 'json_schema')
    setField(draft, 'schema', { ...takeRequired(format, 'schema'), path: field.path })
  })
}

/** Tools without a type, or of type `custom`, are the user's; all others are Anthropic's own, and run there. */
function toTool(field: NativeField, draft: TranslationDraft): JsonObject {
  return readObject(field, (fields) => {
    const type = take(fields, 'type')
    if (type !== undefined && type.value !== 'custom')
      throw unsupportedRequest(type.path, `${JSON.stringify(type.value)} is a tool of Anthropic's own`)
    const tool: JsonObject = { name: takeRequiredText(fields, 'name'), parameters: takeRequired(fields, 'input_schema').value }
    const description = takeText(fields, 'description')
    if (description !== undefined) tool['description'] = description
    // Calls are checked by whoever runs the tool.
    takeSilently(fields, 'strict')
    leaveOut(draft, fields, ['cache_control', 'eager_input_streaming'])
    takeOnly(fields, 'defer_loading', false)
    // Others are programs that run at Anthropic.
    takeOnly(fields, 'allowed_callers', ['direct'])
    return tool
  })
}

function translateToolChoice(field: NativeField | undefined, draft: TranslationDraft): void {
  if (field === undefined) return
  readObject(field, (choice) => {
    if (take(choice, 'type')?.value !== 'auto') throw unsupportedRequest(field.path, 'only {"type": "auto"} can be translated')
    leaveOut(draft, choice, ['disable_parallel_tool_use'])
  })
}

function translateThinking(field: NativeField | undefined, effort: NativeField | undefined, draft: TranslationDraft): void {
  const asked = field === undefined ? effort : readObject(field, (thinking) => effortOf(thinking, effort, draft))
  setField(draft, 'reasoning_effort', asked)
}

/**
 * Elsewhere an effort is all that says how much to think. Here it says how much to write, too, and `thinking` may be off at any effort: then it stays off, for the
 * effort would turn it on. https://platform.claude.com/docs/en/build-with-claude/effort
 */
function effortOf(thinking: NativeFields, effort: NativeField | undefined, draft: TranslationDraft): NativeField | undefined {
  const type = takeRequiredText(thinking, 'type')
  // Whether the thoughts are shown; they are no part of an answer here.
  leaveOut(draft, thinking, ['display'])
  switch (type) {
    case 'disabled':
      if (effort !== undefined)
        warn(draft, 'output_config.effort left out: thinking is disabled, and elsewhere an effort would turn it on')
      return { value: 'none', path: thinking.path }
    case 'adaptive':
      if (effort === undefined) warn(draft, 'thinking left out: models differ in how much they think by themselves')
      return effort
    case 'enabled': {
      const budget = takeRequired(thinking, 'budget_tokens')
      if (typeof budget.value !== 'number') throw unsupportedRequest(budget.path, 'expected a number')
      if (effort !== undefined) {
        warn(draft, 'thinking.budget_tokens left out: output_config.effort says how much to think')
        return effort
      }
      const nearest = effortOfBudget(budget.value)
      warn(draft, `thinking.budget_tokens sent as the effort "${nearest}"`)
      return { value: nearest, path: budget.path }
    }
    default:
      throw unsupportedRequest(`${thinking.path}.type`, 'only "enabled", "adaptive" and "disabled" can be translated')
  }
}
