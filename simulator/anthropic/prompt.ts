import { readConversation, readMessage, type Message, type Prompt as AnyPrompt } from '../answers/prompt.ts'
import { isObject, type JsonObject } from '../json.ts'
import { thinksByDefault } from './models.ts'

export interface Prompt extends AnyPrompt {
  /** What the thinking block shows, if the model thinks. */
  readonly thinkingShown: boolean
  readonly stopSequences: readonly string[]
}

/** Reads the parameters of a message: what they ask, and in which shape they want it answered. */
export function readPrompt(params: JsonObject): Prompt {
  const model = typeof params['model'] === 'string' ? params['model'] : ''
  const thinking = isObject(params['thinking']) ? params['thinking'] : {}
  const type = thinking['type']
  return {
    ...readConversation(messagesOf(params)),
    model,
    maxTokens: typeof params['max_tokens'] === 'number' ? params['max_tokens'] : null,
    schema: schemaOf(params),
    tool: forcedTool(params),
    reasons: type === 'enabled' || type === 'adaptive' || (type === undefined && thinksByDefault(model)),
    // The newer models leave the text out unless it is asked for; those that take a budget show a summary.
    thinkingShown: thinking['display'] === 'summarized' || (thinking['display'] !== 'omitted' && type === 'enabled'),
    stopSequences: Array.isArray(params['stop_sequences']) ? params['stop_sequences'].map(String) : [],
  }
}

function messagesOf(params: JsonObject): Message[] {
  const messages = Array.isArray(params['messages']) ? params['messages'].filter(isObject).map(readMessage) : []
  const system = params['system']
  return system === undefined || system === null ? messages : [readMessage({ role: 'system', content: system }), ...messages]
}

/** `output_config.format`, and the older `output_format` that it replaces. */
function schemaOf(params: JsonObject): JsonObject | null {
  const format = isObject(params['output_config']) ? params['output_config']['format'] : params['output_format']
  return isObject(format) && format['type'] === 'json_schema' && isObject(format['schema']) ? format['schema'] : null
}

function forcedTool(params: JsonObject): Prompt['tool'] {
  const choice = params['tool_choice']
  if (!isObject(choice)) return null
  const tools = Array.isArray(params['tools']) ? params['tools'].filter(isObject) : []
  const tool = choice['type'] === 'tool' ? tools.find(({ name }) => name === choice['name']) : tools[0]
  if ((choice['type'] !== 'tool' && choice['type'] !== 'any') || tool === undefined) return null
  return {
    name: typeof tool['name'] === 'string' ? tool['name'] : 'tool',
    parameters: isObject(tool['input_schema']) ? tool['input_schema'] : null,
  }
}
