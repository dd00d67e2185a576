import { compose, type Composition } from '../answers/composition.ts'
import { embeddingOf } from '../answers/embedding.ts'
import { proseAnswer } from '../answers/prose.ts'
import type { ItemFault } from '../item-faults.ts'
import type { JsonObject } from '../json.ts'
import { hashHex } from '../random.ts'
import { nothingCached, type Usage } from '../usage.ts'
import { readEmbeddingPrompt, readPrompt, type EmbeddingPrompt, type Prompt } from './prompt.ts'
import type { BlockReason, FinishReason, WireCandidate, WireEmbedding, WireResponse, WireUsage, WireValues } from './wire.ts'

export interface Answer {
  readonly body: WireResponse
  readonly usage: Usage
}

/** What differs between two answers to the same prompt. */
export interface AnswerIdentity {
  readonly unique: string
  readonly cachedTokens: number
}

const finishReasons: readonly FinishReason[] = [
  'SAFETY',
  'RECITATION',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'MALFORMED_FUNCTION_CALL',
  'OTHER',
]
const blockReasons: readonly BlockReason[] = ['SAFETY', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'JAILBREAK', 'OTHER']

export function renderAnswer(prompt: Prompt, fault: ItemFault | null, { unique, cachedTokens }: AnswerIdentity): Answer {
  const outcome = outcomeOf(prompt, fault, compose(prompt, fault))
  const usage: Usage = {
    inputTokens: Math.max(0, prompt.inputTokens - cachedTokens),
    outputTokens: outcome.textTokens + outcome.thoughtTokens,
    reasoningTokens: outcome.thoughtTokens,
    cache: { ...nothingCached, readTokens: cachedTokens },
  }
  const body: WireResponse = {
    ...(outcome.candidate === null ? {} : { candidates: [outcome.candidate] }),
    ...(outcome.blockReason === null ? {} : { promptFeedback: { blockReason: outcome.blockReason } }),
    usageMetadata: usageMetadata(prompt, usage, cachedTokens),
    modelVersion: prompt.model,
    responseId: Buffer.from(hashHex(unique, 32), 'hex').toString('base64url'),
  }
  return { body, usage }
}

/**
 * The response that the simulator gives to the body of a generateContent when no fault hits it: pure, so that a test can say which answer belongs to which
 * prompt. Only the id and what a cache did differ from what is served.
 */
export function geminiAnswerFor(model: string, request: JsonObject): WireResponse {
  const prompt = readPrompt(model, request)
  return renderAnswer(prompt, null, { unique: prompt.fingerprint, cachedTokens: 0 }).body
}

/** The fingerprint of a prompt: what `[sim:…]` in an answer, and `fingerprint` in the books, stand for. The same as OpenAI's for the same conversation. */
export function geminiPromptFingerprint(request: JsonObject): string {
  return readPrompt('', request).fingerprint
}

/** The embedding of the body of an embedContent. */
export function geminiEmbeddingFor(request: JsonObject): WireValues {
  return valuesOf(readEmbeddingPrompt(request))
}

/** https://ai.google.dev/gemini-api/docs/embeddings: 3,072 numbers unless fewer are asked for. */
export function valuesOf({ text, dimensions }: EmbeddingPrompt): WireValues {
  return { values: Array.from(embeddingOf(text, dimensions ?? 3072), (value) => Number(value.toFixed(8))) }
}

/** As in the results of a batch: with the tokens that were counted. */
export function embeddingAnswer(prompt: EmbeddingPrompt): { readonly body: WireEmbedding; readonly usage: Usage } {
  return {
    body: { embedding: valuesOf(prompt), tokenCount: String(prompt.inputTokens) },
    usage: { inputTokens: prompt.inputTokens, outputTokens: 0, reasoningTokens: 0 },
  }
}

interface Outcome {
  readonly candidate: WireCandidate | null
  readonly blockReason: BlockReason | null
  readonly textTokens: number
  readonly thoughtTokens: number
}

/** https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse: no candidates if the prompt is blocked, no content if the answer is. */
function outcomeOf(prompt: Prompt, fault: ItemFault | null, said: Composition): Outcome {
  const thoughtTokens = said.reasoningTokens
  const textTokens = said.outputTokens - thoughtTokens
  const ended = (candidate: WireCandidate, tokens = { textTokens, thoughtTokens }): Outcome => ({
    candidate: { ...candidate, index: 0 },
    blockReason: null,
    ...tokens,
  })
  if (said.refusal !== null) {
    const blockReason = blockReasons.find((known) => known === fault?.reason) ?? 'PROHIBITED_CONTENT'
    return { candidate: null, blockReason, textTokens: 0, thoughtTokens: 0 }
  }
  if (said.finish === 'content_filter') {
    const finishReason = finishReasons.find((known) => known === fault?.reason) ?? 'SAFETY'
    return ended({ finishReason }, { textTokens: 0, thoughtTokens })
  }
  if (fault?.kind === 'truncated' && fault.reason === 'THOUGHTS') {
    // Thinking counts as output: it can take all of it (https://github.com/googleapis/python-genai/issues/811).
    return ended(
      { content: { role: 'model' }, finishReason: 'MAX_TOKENS' },
      { textTokens: 0, thoughtTokens: prompt.maxTokens ?? said.outputTokens },
    )
  }
  if (fault?.kind === 'empty') return ended({ content: { role: 'model' }, finishReason: 'STOP' })
  const thought = thoughtPart(prompt, said)
  if (said.toolCall !== null) {
    const args = JSON.parse(said.toolCall.arguments) as Record<string, unknown>
    return ended({
      content: { parts: [...thought, { functionCall: { name: said.toolCall.name, args } }], role: 'model' },
      finishReason: 'STOP',
    })
  }
  const text = untilStop(said.text ?? '', prompt.stopSequences)
  return ended({
    content: { parts: [...thought, { text }], role: 'model' },
    finishReason: said.finish === 'length' ? 'MAX_TOKENS' : 'STOP',
  })
}

function thoughtPart({ thoughtsShown, topic, fingerprint }: Prompt, said: Composition): { text: string; thought: true }[] {
  if (!thoughtsShown || said.reasoningTokens === 0) return []
  return [{ text: `**Considering the question**\n\n${proseAnswer(topic, fingerprint)}`, thought: true }]
}

/** A stop sequence isn't part of the answer, and not told either: it ends like any other. */
function untilStop(text: string, sequences: readonly string[]): string {
  const ends = sequences.filter((sequence) => sequence !== '').map((sequence) => text.indexOf(sequence))
  return text.slice(0, Math.min(text.length, ...ends.filter((end) => end >= 0)))
}

/** The prompt's count has the cached tokens in it; what is 0 is left out (https://ai.google.dev/api/generate-content#UsageMetadata). */
function usageMetadata({ inputTokens, mediaTokens }: Prompt, usage: Usage, cachedTokens: number): WireUsage {
  const textTokens = usage.outputTokens - usage.reasoningTokens
  return {
    promptTokenCount: inputTokens,
    ...(cachedTokens === 0
      ? {}
      : { cachedContentTokenCount: cachedTokens, cacheTokensDetails: [{ modality: 'TEXT', tokenCount: cachedTokens }] }),
    ...(textTokens === 0 ? {} : { candidatesTokenCount: textTokens }),
    ...(usage.reasoningTokens === 0 ? {} : { thoughtsTokenCount: usage.reasoningTokens }),
    totalTokenCount: inputTokens + usage.outputTokens,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: inputTokens - mediaTokens },
      ...(mediaTokens === 0 ? [] : [{ modality: 'IMAGE' as const, tokenCount: mediaTokens }]),
    ],
  }
}
