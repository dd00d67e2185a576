import { z } from 'zod'
import { noUsage } from '../core/money.ts'
import type { CanonicalAnswer, ProviderResult } from './canonical-answer.ts'
import { failedAnswer, notAResult, parseResultLine, unreadableAnswer } from './failed-answer.ts'
import { parseGeminiContent } from './gemini-content.ts'
import { tokenCount } from './token-count.ts'
import { classifyGeminiError, type GeminiErrorBody } from './gemini-error.ts'

/** Google's Status. Only what is used; everything may be missing. */
const status = z.object({
  code: z.number().nullish(),
  message: z.string().nullish(),
  status: z.string().nullish(),
  details: z.array(z.object({ reason: z.string().nullish() })).nullish(),
})

/** One line of the responses file: https://ai.google.dev/gemini-api/docs/batch-api#retrieve-batch-job-results */
const resultLine = z.object({ key: z.string().nullish(), response: z.unknown().optional(), error: status.nullish() })

/** https://ai.google.dev/api/embeddings#EmbedContentResponse */
const embedContentResponse = z.object({
  embedding: z.object({ values: z.array(z.number()) }),
  usageMetadata: z.object({ promptTokenCount: tokenCount }).nullish(),
  // An int64, which Google's JSON writes as a text.
  tokenCount: z.preprocess((count) => (typeof count === 'string' ? Number(count) : count), tokenCount),
})

/**
 * One line of the responses file. Never throws: a line that can't be read gives class `unknown` and, where it can be found, its id; the caller records it and
 * merges nothing.
 */
export function parseGeminiResultLine(line: string): ProviderResult {
  const read = parseResultLine(line, 'key')
  if ('broken' in read) return read.broken
  const parsed = resultLine.safeParse(read.value)
  if (!parsed.success) return notAResult(line, read.value, parsed.error.issues[0]?.path.join('.') ?? '', 'key')
  const { key, response, error } = parsed.data
  const answer =
    error == null
      ? (parseBody(response) ?? unreadableAnswer(null, null))
      : failedAnswer(classifyGeminiError(null, errorBody(error)))
  return { itemId: key ?? null, answer, raw: line }
}

/** One of the `inlinedResponses` of a batch that was created with its requests: as a line, but that its id is in its metadata. */
export function parseGeminiInlinedResponse(value: unknown): ProviderResult {
  const { metadata, ...rest } = (typeof value === 'object' && value !== null ? value : {}) as {
    metadata?: { key?: unknown } | null
  }
  return parseGeminiResultLine(JSON.stringify({ key: metadata?.key, ...rest }))
}

/** The answer to a realtime call. */
export function parseGeminiResponse({ status: httpStatus, body }: { status: number; body: unknown }): CanonicalAnswer {
  if (httpStatus < 200 || httpStatus >= 300) return failedAnswer(classifyGeminiError(httpStatus, readGeminiError(body)))
  const answer = parseBody(body)
  if (answer === null) return unreadableAnswer(httpStatus, null)
  return { ...answer, error: answer.error === null ? null : { ...answer.error, httpStatus } }
}

/** The error in an answer of the API, `{error: {…}}`, or bare as in an operation; everything may be missing. */
export function readGeminiError(body: unknown): GeminiErrorBody {
  const inner = z.object({ error: status }).safeParse(body)
  return errorBody(inner.success ? inner.data.error : (status.safeParse(body).data ?? {}))
}

function errorBody(error: z.infer<typeof status>): GeminiErrorBody {
  const reason = error.details?.find((detail) => detail.reason != null)?.reason
  return { code: error.code ?? null, message: error.message ?? null, status: error.status ?? null, reason: reason ?? null }
}

function parseBody(body: unknown): CanonicalAnswer | null {
  const embedded = embedContentResponse.safeParse(body)
  if (!embedded.success) return parseGeminiContent(body)
  const { embedding, usageMetadata, tokenCount: counted } = embedded.data
  return {
    content: { text: null, output: null, toolCalls: [], embedding: embedding.values },
    error: null,
    finishReason: 'stop',
    usage: { ...noUsage, input: usageMetadata?.promptTokenCount ?? counted ?? 0 },
    model: null,
  }
}
