import type { InvalidOutputVariant, ItemFault } from '../item-faults.ts'
import { hashNumber } from '../random.ts'
import { tokensOf, type Prompt } from './prompt.ts'
import { proseAnswer } from './prose.ts'
import { schemaInstance } from './schema-instance.ts'

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** What a model says to a prompt, before it is put into the shape of a provider. */
export interface Composition {
  readonly text: string | null
  readonly refusal: string | null
  readonly toolCall: { readonly name: string; readonly arguments: string } | null
  readonly finish: FinishReason
  /** Reasoning included. */
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** The answer to a prompt: always the same, unless a fault is to be shown in it. */
export function compose(prompt: Prompt, fault: ItemFault | null): Composition {
  const { fingerprint, schema, tool } = prompt
  switch (fault?.kind) {
    case 'refusal':
      return said(prompt, { refusal: `I'm sorry, but I can't help with that. [sim:${fingerprint}]` })
    case 'content_filter':
      return said(prompt, { text: proseAnswer(prompt.topic, fingerprint).slice(0, 24), finish: 'content_filter' })
    case 'empty':
      return said(prompt, { text: '' })
    case 'truncated':
      return truncated(prompt)
    case 'invalid_output':
      if (schema !== null) return said(prompt, { text: spoiltJson(prompt, fault.variant) })
      break
    default:
  }
  if (tool !== null) {
    const call = {
      name: tool.name,
      arguments: JSON.stringify(schemaInstance(tool.parameters ?? { type: 'object' }, fingerprint)),
    }
    return said(prompt, { toolCall: call, finish: 'tool_calls' })
  }
  return said(prompt, { text: schema === null ? proseAnswer(prompt.topic, fingerprint) : jsonAnswer(prompt) })
}

function jsonAnswer({ schema, topic, fingerprint }: Prompt): string {
  return JSON.stringify(
    schema === true || schema === null ? { answer: proseAnswer(topic, fingerprint) } : schemaInstance(schema, fingerprint),
  )
}

function spoiltJson(prompt: Prompt, asked: InvalidOutputVariant | undefined): string {
  const json = jsonAnswer(prompt)
  const mark = `[sim:${prompt.fingerprint}]`
  const byHash = (['prose', 'invalid_json', 'wrong_schema'] as const)[hashNumber(prompt.fingerprint) % 3]
  switch (asked ?? byHash) {
    case 'fence':
      return `Here is the JSON you asked for:\n\n\`\`\`json\n${json}\n\`\`\``
    case 'invalid_json':
      return `${json.slice(0, -1)}, "note": "${mark}`
    case 'wrong_schema':
      // An array never fits where an object was asked for, however lax the schema is, nor the other way round.
      return json.startsWith('[') ? JSON.stringify({ unexpected: mark }) : JSON.stringify(['not what was asked for', mark])
    default:
      return `Sure! ${proseAnswer(prompt.topic, prompt.fingerprint)}`
  }
}

function said(prompt: Prompt, parts: Partial<Pick<Composition, 'text' | 'refusal' | 'toolCall' | 'finish'>>): Composition {
  let { text = null, finish = 'stop' } = parts
  const { refusal = null, toolCall = null } = parts
  let visibleTokens = tokensOf((text ?? refusal ?? toolCall?.arguments ?? '').length)
  let reasoningTokens = prompt.reasons ? 16 * (1 + (hashNumber(prompt.fingerprint) % 8)) : 0
  const most = prompt.maxTokens
  if (most !== null && visibleTokens + reasoningTokens > most) {
    reasoningTokens = Math.max(0, Math.min(reasoningTokens, most - visibleTokens))
    if (visibleTokens > most && text !== null) {
      text = text.slice(0, most * 4)
      finish = 'length'
      visibleTokens = most
    }
  }
  return { text, refusal, toolCall, finish, outputTokens: visibleTokens + reasoningTokens, reasoningTokens }
}

function truncated(prompt: Prompt): Composition {
  const whole = prompt.schema === null ? proseAnswer(prompt.topic, prompt.fingerprint) : jsonAnswer(prompt)
  const text = whole.slice(0, Math.floor(Math.min(whole.length, (prompt.maxTokens ?? Number.POSITIVE_INFINITY) * 4) / 2))
  return {
    text,
    refusal: null,
    toolCall: null,
    finish: 'length',
    outputTokens: prompt.maxTokens ?? tokensOf(text.length),
    reasoningTokens: 0,
  }
}
