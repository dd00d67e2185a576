import { z } from 'zod'
import type { ErrorClass } from '../core/error-classes.ts'
import type { Usage } from '../core/money.ts'
import type { AnswerContent, CanonicalAnswer, FinishReason } from './canonical-answer.ts'
import { callIdOfPlace } from './gemini-call-ids.ts'
import { tokenCount } from './token-count.ts'

/** https://ai.google.dev/api/generate-content#generatecontentresponse: only what is used. */
const generateContentResponse = z.object({
  candidates: z
    .array(
      z.object({
        content: z
          .object({
            parts: z
              .array(
                z.object({
                  text: z.string().nullish(),
                  thought: z.boolean().nullish(),
                  functionCall: z
                    .object({ id: z.string().nullish(), name: z.string().nullish(), args: z.unknown().optional() })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finishReason: z.string().nullish(),
        finishMessage: z.string().nullish(),
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish(), blockReasonMessage: z.string().nullish() }).nullish(),
  usageMetadata: z
    .object({
      promptTokenCount: tokenCount,
      toolUsePromptTokenCount: tokenCount,
      candidatesTokenCount: tokenCount,
      thoughtsTokenCount: tokenCount,
      cachedContentTokenCount: tokenCount,
    })
    .nullish(),
  modelVersion: z.string().nullish(),
})
type Response = z.infer<typeof generateContentResponse>
type Candidate = NonNullable<Response['candidates']>[number]

/** An end that is no whole answer. */
interface BadEnd {
  readonly class: ErrorClass
  readonly code: string
  readonly message: string
  readonly finishReason: FinishReason | null
}

/** The answer in a GenerateContentResponse, or null when it is none. How it ended decides whether it is content or an error: half an answer is none. */
export function parseGeminiContent(body: unknown): CanonicalAnswer | null {
  const parsed = generateContentResponse.safeParse(body)
  if (!parsed.success) return null
  const { candidates, promptFeedback, usageMetadata, modelVersion } = parsed.data
  const candidate = candidates?.[0]
  if (candidate === undefined && promptFeedback?.blockReason == null && usageMetadata == null) return null
  const usage = usageOf(parsed.data)
  const model = modelVersion ?? null
  const content = candidate === undefined ? null : contentOf(candidate)
  const end = candidate === undefined ? endOfPrompt(parsed.data) : (endOf(candidate, usage) ?? endOfNothing(content))
  if (end !== null) {
    const { class: errorClass, code, message, finishReason } = end
    const error = { class: errorClass, code, message, httpStatus: null, requestId: null, parameter: null }
    return { content: null, error, finishReason, usage, model }
  }
  return { content, error: null, finishReason: (content?.toolCalls.length ?? 0) > 0 ? 'tool_calls' : 'stop', usage, model }
}

/** Blocked before a model saw it, or answered with nothing at all. https://ai.google.dev/api/generate-content#blockreason */
function endOfPrompt({ promptFeedback: feedback }: Response): BadEnd {
  const reason = feedback?.blockReason
  if (reason == null) return empty
  const message = feedback?.blockReasonMessage ?? `the prompt was blocked (${reason})`
  return { class: 'content_filter', code: `prompt_${reason.toLowerCase()}`, message, finishReason: 'content_filter' }
}

const empty: BadEnd = {
  class: 'transient',
  code: 'empty_answer',
  message: 'the answer has neither a text nor a call',
  finishReason: null,
}

/** Nothing, and not a word why. */
function endOfNothing(content: AnswerContent | null): BadEnd | null {
  return content === null || (content.text === null && content.toolCalls.length === 0) ? empty : null
}

/** Why the candidate is no whole answer; null when it is one. https://ai.google.dev/api/generate-content#FinishReason */
function endOf({ finishReason, finishMessage }: Candidate, usage: Usage): BadEnd | null {
  const because = (errorClass: ErrorClass, message: string, ended: FinishReason | null): BadEnd => ({
    class: errorClass,
    code: (finishReason ?? 'unknown').toLowerCase(),
    message: finishMessage ?? message,
    finishReason: ended,
  })
  switch (finishReason) {
    case 'MAX_TOKENS':
      return { ...because('truncated', `the answer was cut off after ${usage.output} tokens`, 'length'), code: 'length' }
    case 'SAFETY':
    case 'RECITATION':
    case 'BLOCKLIST':
    case 'PROHIBITED_CONTENT':
    case 'SPII':
    case 'LANGUAGE':
    case 'IMAGE_SAFETY':
    case 'IMAGE_PROHIBITED_CONTENT':
    case 'IMAGE_RECITATION':
    case 'MODEL_ARMOR':
    case 'ESCALATION':
      return because('content_filter', `the answer was blocked (${finishReason})`, 'content_filter')
    case 'MALFORMED_FUNCTION_CALL':
    case 'UNEXPECTED_TOOL_CALL':
    case 'MALFORMED_RESPONSE':
      return because('invalid_output', `the model wrote a call that can't be read (${finishReason})`, null)
    case 'OTHER':
    case 'IMAGE_OTHER':
    case 'NO_IMAGE':
      return because('transient', `the model stopped, and does not say why (${finishReason})`, null)
    case 'MISSING_THOUGHT_SIGNATURE':
      return because('invalid_request', 'a call in the conversation lacks its thoughtSignature', null)
    // The account is limited: the next request would end in the same way.
    case 'PUP_LIMITED_DISABLED':
      return because('auth', 'the account is limited for violations of the policy of prohibited use', null)
    case 'TOO_MANY_TOOL_CALLS':
    case 'CONTINUATION':
      return because('unknown', `the model was not done, and a batch can not go on (${finishReason})`, null)
    // `STOP`, `FINISH_REASON_UNSPECIFIED`, and what may be added.
    case null:
    case undefined:
    default:
      return null
  }
}

function contentOf({ content }: Candidate): AnswerContent {
  const parts = (content?.parts ?? []).filter((part) => part.thought !== true)
  const texts = parts.flatMap((part) => (part.text == null ? [] : [part.text]))
  const ids = new Set(parts.flatMap(({ functionCall: call }) => call?.id ?? []))
  const toolCalls = parts.flatMap(({ functionCall: call }, at) =>
    call?.name == null
      ? []
      : [{ id: call.id ?? callIdOfPlace(at, ids), name: call.name, arguments: JSON.stringify(call.args ?? {}) }],
  )
  const text = texts.join('')
  return { text: text === '' ? null : text, output: null, toolCalls, embedding: null }
}

/** Thoughts are billed as output and counted beside it; what was read from a cache is in the prompt. https://ai.google.dev/api/generate-content#UsageMetadata */
function usageOf({ usageMetadata: usage }: Response): Usage {
  const reasoning = usage?.thoughtsTokenCount ?? 0
  return {
    input: (usage?.promptTokenCount ?? 0) + (usage?.toolUsePromptTokenCount ?? 0),
    output: (usage?.candidatesTokenCount ?? 0) + reasoning,
    cached: usage?.cachedContentTokenCount ?? 0,
    cacheWrite: 0,
    reasoning,
  }
}
