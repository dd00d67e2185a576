import type Anthropic from '@anthropic-ai/sdk'
import { compose, type Composition } from '../answers/composition.ts'
import { proseAnswer } from '../answers/prose.ts'
import type { ItemFault } from '../item-faults.ts'
import type { JsonObject } from '../json.ts'
import { hashHex } from '../random.ts'
import { nothingCached, type CacheUsage, type Usage } from '../usage.ts'
import { answeringModel } from './models.ts'
import { readPrompt, type Prompt } from './prompt.ts'
import type { WireMessage } from './wire.ts'

export interface Answer {
  readonly body: WireMessage
  readonly usage: Usage
}

/** What differs between two answers to the same prompt. */
export interface AnswerIdentity {
  readonly unique: string
  readonly tier: 'standard' | 'batch'
  readonly cache: CacheUsage
}

export function renderAnswer(prompt: Prompt, fault: ItemFault | null, identity: AnswerIdentity): Answer {
  const said = compose(prompt, fault)
  const { unique, tier, cache } = identity
  const cached = cache.written5mTokens + cache.written1hTokens + cache.readTokens
  const usage: Usage = {
    inputTokens: Math.max(0, prompt.inputTokens - cached),
    outputTokens: said.outputTokens,
    reasoningTokens: said.reasoningTokens,
    cache,
  }
  const body: WireMessage = {
    id: `msg_${hashHex(unique, 24)}`,
    type: 'message',
    role: 'assistant',
    model: answeringModel(prompt.model),
    container: null,
    diagnostics: null,
    ...contentOf(prompt, said, unique),
    usage: {
      input_tokens: usage.inputTokens,
      cache_creation_input_tokens: cache.written5mTokens + cache.written1hTokens,
      cache_read_input_tokens: cache.readTokens,
      cache_creation: {
        ephemeral_5m_input_tokens: cache.written5mTokens,
        ephemeral_1h_input_tokens: cache.written1hTokens,
      },
      output_tokens: said.outputTokens,
      output_tokens_details: prompt.reasons ? { thinking_tokens: said.reasoningTokens } : null,
      server_tool_use: null,
      service_tier: tier,
      inference_geo: 'not_available',
      speed: null,
    },
  }
  return { body, usage }
}

/**
 * The message that the simulator answers to the parameters of one when no fault hits it: pure, so that a test can say which answer belongs to which prompt.
 * Only ids, the service tier and what a cache did differ from what is served.
 */
export function anthropicAnswerFor(params: JsonObject): WireMessage {
  const prompt = readPrompt(params)
  return renderAnswer(prompt, null, { unique: prompt.fingerprint, tier: 'standard', cache: nothingCached }).body
}

/** The fingerprint of a prompt: what `[sim:…]` in an answer, and `fingerprint` in the books, stand for. The same as OpenAI's for the same conversation. */
export function anthropicPromptFingerprint(params: JsonObject): string {
  return readPrompt(params).fingerprint
}

type Said = Pick<WireMessage, 'content' | 'stop_reason' | 'stop_sequence' | 'stop_details'>

function contentOf(prompt: Prompt, said: Composition, unique: string): Said {
  const thinking = thinkingBlock(prompt, said, unique)
  const ended = (content: Anthropic.ContentBlock[], stop: Anthropic.StopReason, sequence: string | null = null): Said => ({
    content: [...thinking, ...content],
    stop_reason: stop,
    stop_sequence: sequence,
    stop_details: null,
  })
  // A refusal is an answer that stops: what there was of it stays (https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons).
  if (said.refusal !== null) return { ...ended([], 'refusal'), stop_details: refusal(null) }
  if (said.finish === 'content_filter')
    return { ...ended([textBlock(said.text ?? '')], 'refusal'), stop_details: refusal('general_harms') }
  if (said.toolCall !== null) {
    const input: unknown = JSON.parse(said.toolCall.arguments)
    const id = `toolu_${hashHex(unique, 24)}`
    return ended([{ type: 'tool_use', id, name: said.toolCall.name, input, caller: { type: 'direct' } }], 'tool_use')
  }
  const text = said.text ?? ''
  if (said.finish === 'length') return ended([textBlock(text)], 'max_tokens')
  const [end, sequence] = firstStop(text, prompt.stopSequences)
  return ended([textBlock(text.slice(0, end))], sequence === null ? 'end_turn' : 'stop_sequence', sequence)
}

function thinkingBlock(
  { reasons, thinkingShown, topic, fingerprint }: Prompt,
  said: Composition,
  unique: string,
): Anthropic.ContentBlock[] {
  if (!reasons || said.reasoningTokens === 0) return []
  const thinking = thinkingShown ? `Let me think about this. ${proseAnswer(topic, fingerprint)}` : ''
  return [{ type: 'thinking', thinking, signature: Buffer.from(hashHex(`signature:${unique}`, 40)).toString('base64') }]
}

function textBlock(text: string): Anthropic.TextBlock {
  return { type: 'text', text, citations: null }
}

function refusal(category: Anthropic.Messages.RefusalStopDetails['category']): Anthropic.Messages.RefusalStopDetails {
  return { type: 'refusal', category, explanation: 'The simulator was told to refuse this prompt.' }
}

function firstStop(text: string, sequences: readonly string[]): [number, string | null] {
  let end = text.length
  let found: string | null = null
  for (const sequence of sequences) {
    const at = sequence === '' ? -1 : text.indexOf(sequence)
    if (at < 0 || at >= end) continue
    end = at
    found = sequence
  }
  return [end, found]
}
