import { z } from 'zod'
import type { ErrorClass } from '../core/error-classes.ts'
import type { Usage } from '../core/money.ts'
import type { AnswerContent, CanonicalAnswer, FinishReason } from './canonical-answer.ts'
import { tokenCount } from './token-count.ts'

/** https://platform.claude.com/docs/en/api/messages: only what is used. */
const message = z.object({
  model: z.string().nullish(),
  stop_reason: z.string().nullish(),
  stop_details: z.object({ category: z.string().nullish(), explanation: z.string().nullish() }).nullish(),
  content: z.array(
    z.object({
      type: z.string(),
      text: z.string().nullish(),
      id: z.string().nullish(),
      name: z.string().nullish(),
      input: z.unknown().optional(),
    }),
  ),
  usage: z
    .object({
      input_tokens: tokenCount,
      output_tokens: tokenCount,
      cache_read_input_tokens: tokenCount,
      cache_creation_input_tokens: tokenCount,
      output_tokens_details: z.object({ thinking_tokens: tokenCount }).nullish(),
    })
    .nullish(),
})
type Message = z.infer<typeof message>

/** The answer in a message of Anthropic's, or null when it is none. How it ended decides whether it is content or an error: half an answer is none. */
export function parseAnthropicMessage(body: unknown, requestId: string | null): CanonicalAnswer | null {
  const parsed = message.safeParse(body)
  if (!parsed.success) return null
  const { model, stop_reason: stopReason } = parsed.data
  const usage = usageOf(parsed.data)
  const end = endOf(parsed.data, usage)
  if (end !== null) {
    const error = { ...end.error, httpStatus: null, requestId, parameter: null }
    return { content: null, error, finishReason: end.finishReason, usage, model: model ?? null }
  }
  const content = contentOf(parsed.data)
  const finishReason = stopReason === 'tool_use' || content.toolCalls.length > 0 ? 'tool_calls' : 'stop'
  return { content, error: null, finishReason, usage, model: model ?? null }
}

/** Why the message is no whole answer; null when it is one. https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
function endOf(
  { stop_reason: stopReason, stop_details: details }: Message,
  usage: Usage,
): { error: { class: ErrorClass; code: string; message: string }; finishReason: FinishReason | null } | null {
  const because = (errorClass: ErrorClass, code: string, text: string, finishReason: FinishReason | null) => ({
    error: { class: errorClass, code, message: text },
    finishReason,
  })
  switch (stopReason) {
    case 'refusal': {
      const category = details?.category == null ? '' : ` (${details.category})`
      return because('refusal', 'refusal', details?.explanation ?? `the model refused to answer${category}`, 'refusal')
    }
    case 'max_tokens':
      return because('truncated', 'length', `the answer was cut off after ${usage.output} tokens`, 'length')
    case 'model_context_window_exceeded':
      // More output tokens don't help: the same request would end in the same place and be paid for again.
      return because('invalid_request', stopReason, 'question and answer together are longer than the model can hold', 'length')
    case 'pause_turn':
      return because(
        'unknown',
        stopReason,
        'the turn was paused after too many calls of server tools; a batch can not go on',
        null,
      )
    // `end_turn`, `stop_sequence`, `tool_use`, and what may be added.
    case null:
    case undefined:
    default:
      return null
  }
}

function contentOf({ content }: Message): AnswerContent {
  const texts = content.filter((block) => block.type === 'text').map((block) => block.text ?? '')
  const toolCalls = content.flatMap((block) =>
    block.type === 'tool_use' && block.id != null && block.name != null
      ? [{ id: block.id, name: block.name, arguments: JSON.stringify(block.input ?? {}) }]
      : [],
  )
  return { text: texts.length === 0 ? null : texts.join(''), output: null, toolCalls, embedding: null }
}

/** Anthropic counts what was read from and written to the cache beside `input_tokens`; our `input` is all of it. */
function usageOf({ usage }: Message): Usage {
  const cached = usage?.cache_read_input_tokens ?? 0
  const cacheWrite = usage?.cache_creation_input_tokens ?? 0
  return {
    input: (usage?.input_tokens ?? 0) + cached + cacheWrite,
    output: usage?.output_tokens ?? 0,
    cached,
    cacheWrite,
    reasoning: usage?.output_tokens_details?.thinking_tokens ?? 0,
  }
}
