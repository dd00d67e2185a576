import { z } from 'zod'
import type { ErrorClass } from '../core/error-classes.ts'
import type { Json } from '../core/json.ts'
import type { Usage } from '../core/money.ts'
import type { AnswerContent, CanonicalAnswer, FinishReason } from './canonical-answer.ts'
import { classOfCode } from './openai-error.ts'
import { tokenCount } from './token-count.ts'

const chatCompletion = z.object({
  model: z.string().nullish(),
  choices: z.array(
    z.object({
      finish_reason: z.string().nullish(),
      message: z
        .object({
          content: z.string().nullish(),
          refusal: z.string().nullish(),
          tool_calls: z
            .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }).nullish() }))
            .nullish(),
        })
        .nullish(),
    }),
  ),
  usage: z
    .object({
      prompt_tokens: tokenCount,
      completion_tokens: tokenCount,
      prompt_tokens_details: z.object({ cached_tokens: tokenCount, cache_write_tokens: tokenCount }).nullish(),
      completion_tokens_details: z.object({ reasoning_tokens: tokenCount }).nullish(),
    })
    .nullish(),
})

const response = z.object({
  model: z.string().nullish(),
  status: z.string().nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
  output: z.array(
    z.object({
      type: z.string(),
      content: z.array(z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() })).nullish(),
      call_id: z.string().nullish(),
      name: z.string().nullish(),
      arguments: z.string().nullish(),
    }),
  ),
  usage: z
    .object({
      input_tokens: tokenCount,
      output_tokens: tokenCount,
      input_tokens_details: z.object({ cached_tokens: tokenCount, cache_write_tokens: tokenCount }).nullish(),
      output_tokens_details: z.object({ reasoning_tokens: tokenCount }).nullish(),
    })
    .nullish(),
})

const embeddings = z.object({
  model: z.string().nullish(),
  data: z.array(z.object({ embedding: z.union([z.array(z.number()), z.string()]) })).min(1),
  usage: z.object({ prompt_tokens: tokenCount }).nullish(),
})

/** The answer in the body of a 2xx response of one of the three endpoints, or null when it has the form of none. */
export function parseOpenAiBody(body: unknown, requestId: string | null): CanonicalAnswer | null {
  if (typeof body !== 'object' || body === null) return null
  if ('choices' in body) return fromChat(body, requestId)
  if ('output' in body) return fromResponse(body, requestId)
  return 'data' in body ? fromEmbeddings(body) : null
}

function fromChat(body: object, requestId: string | null): CanonicalAnswer | null {
  const parsed = chatCompletion.safeParse(body)
  const choice = parsed.data?.choices[0]
  if (!parsed.success || choice === undefined) return null
  const { model, usage } = parsed.data
  const toolCalls = (choice.message?.tool_calls ?? []).flatMap((call) =>
    call.function == null ? [] : [{ id: call.id, name: call.function.name, arguments: call.function.arguments }],
  )
  return finish(
    {
      text: choice.message?.content ?? null,
      refusal: choice.message?.refusal ?? null,
      toolCalls,
      end: chatEnd(choice.finish_reason ?? null),
    },
    {
      input: usage?.prompt_tokens ?? 0,
      output: usage?.completion_tokens ?? 0,
      cached: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      cacheWrite: usage?.prompt_tokens_details?.cache_write_tokens ?? 0,
      reasoning: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
    },
    model ?? null,
    requestId,
  )
}

function chatEnd(finishReason: string | null): 'done' | 'length' | 'content_filter' {
  if (finishReason === 'length' || finishReason === 'content_filter') return finishReason
  return 'done'
}

function fromResponse(body: object, requestId: string | null): CanonicalAnswer | null {
  const parsed = response.safeParse(body)
  if (!parsed.success) return null
  const { model, usage, status, error, output, incomplete_details: incomplete } = parsed.data
  const used: Usage = {
    input: usage?.input_tokens ?? 0,
    output: usage?.output_tokens ?? 0,
    cached: usage?.input_tokens_details?.cached_tokens ?? 0,
    cacheWrite: usage?.input_tokens_details?.cache_write_tokens ?? 0,
    reasoning: usage?.output_tokens_details?.reasoning_tokens ?? 0,
  }
  if (status === 'failed' || status === 'cancelled') {
    const code = error?.code ?? (status === 'failed' ? 'server_error' : 'response_cancelled')
    return withError(classOfCode(code), code, error?.message ?? `the response is ${status}`, null, used, model ?? null, requestId)
  }
  const parts = output.filter((item) => item.type === 'message').flatMap((item) => item.content ?? [])
  const texts = parts.filter((part) => part.type === 'output_text').map((part) => part.text ?? '')
  const refusal = parts.find((part) => part.type === 'refusal')?.refusal ?? null
  const toolCalls = output.flatMap((item) =>
    item.type === 'function_call' && item.call_id != null && item.name != null
      ? [{ id: item.call_id, name: item.name, arguments: item.arguments ?? '' }]
      : [],
  )
  const end = status !== 'incomplete' ? 'done' : incomplete?.reason === 'content_filter' ? 'content_filter' : 'length'
  return finish({ text: texts.length === 0 ? null : texts.join(''), refusal, toolCalls, end }, used, model ?? null, requestId)
}

function fromEmbeddings(body: object): CanonicalAnswer | null {
  const parsed = embeddings.safeParse(body)
  if (!parsed.success) return null
  const vectors = parsed.data.data.map(({ embedding }) => (typeof embedding === 'string' ? decodeFloats(embedding) : embedding))
  const content: AnswerContent = {
    text: null,
    // A native request may ask for many embeddings at once: then they are all here, in order.
    output: vectors.length > 1 ? (vectors satisfies Json) : null,
    toolCalls: [],
    embedding: vectors.length === 1 ? (vectors[0] as number[]) : null,
  }
  const usage: Usage = { input: parsed.data.usage?.prompt_tokens ?? 0, output: 0, cached: 0, cacheWrite: 0, reasoning: 0 }
  return { content, error: null, finishReason: 'stop', usage, model: parsed.data.model ?? null }
}

/** `encoding_format: base64` is little-endian 32-bit floats. */
function decodeFloats(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(index * 4))
}

interface Said {
  readonly text: string | null
  readonly refusal: string | null
  readonly toolCalls: AnswerContent['toolCalls']
  readonly end: 'done' | 'length' | 'content_filter'
}

/** How the answer ended decides whether it is content or an error: half an answer is none. */
function finish(said: Said, usage: Usage, model: string | null, requestId: string | null): CanonicalAnswer {
  if (said.refusal !== null && said.refusal !== '') {
    return withError('refusal', 'refusal', said.refusal, 'refusal', usage, model, requestId)
  }
  if (said.end === 'content_filter') {
    return withError(
      'content_filter',
      'content_filter',
      'the content filter stopped the answer',
      'content_filter',
      usage,
      model,
      requestId,
    )
  }
  if (said.end === 'length') {
    return withError(
      'truncated',
      'length',
      `the answer was cut off after ${usage.output} tokens`,
      'length',
      usage,
      model,
      requestId,
    )
  }
  const content: AnswerContent = { text: said.text, output: null, toolCalls: said.toolCalls, embedding: null }
  return { content, error: null, finishReason: said.toolCalls.length > 0 ? 'tool_calls' : 'stop', usage, model }
}

function withError(
  errorClass: ErrorClass,
  code: string,
  message: string,
  finishReason: FinishReason | null,
  usage: Usage,
  model: string | null,
  requestId: string | null,
): CanonicalAnswer {
  const error = { class: errorClass, code, message, httpStatus: null, requestId, parameter: null }
  return { content: null, error, finishReason, usage, model }
}
