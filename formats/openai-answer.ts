import { z } from 'zod'
import type { CanonicalAnswer, ProviderResult } from './canonical-answer.ts'
import { failedAnswer, notAResult, parseResultLine, unreadableAnswer } from './failed-answer.ts'
import { classifyOpenAiError, type OpenAiErrorBody } from './openai-error.ts'
import { parseOpenAiBody } from './openai-response-body.ts'

/** The error object of OpenAI's API, at the top of a line or inside a response's body. Only what is used; everything may be missing. */
const errorBody = z.object({
  code: z.union([z.string(), z.number()]).nullish(),
  message: z.string().nullish(),
  type: z.string().nullish(),
  param: z.string().nullish(),
})

/** One line of an output or error file: https://developers.openai.com/api/reference/resources/batches (request output object). */
const resultLine = z.object({
  custom_id: z.string().nullish(),
  response: z
    .object({
      status_code: z.number().nullish(),
      request_id: z.string().nullish(),
      body: z.unknown().optional(),
    })
    .nullish(),
  error: errorBody.nullish(),
})

/**
 * One line of a result file. Never throws: a line that can't be read gives class `unknown` and, where it can be found, its id; the caller
 * records it and merges nothing.
 */
export function parseOpenAiResultLine(line: string): ProviderResult {
  const read = parseResultLine(line)
  if ('broken' in read) return read.broken
  const parsed = resultLine.safeParse(read.value)
  if (!parsed.success) return notAResult(line, read.value, parsed.error.issues[0]?.path.join('.') ?? '')
  const { custom_id: itemId, response, error } = parsed.data
  return { itemId: itemId ?? null, answer: toAnswer(response ?? null, error ?? null), raw: line }
}

/** The answer in an HTTP response of OpenAI's API: of a line, or of a realtime call. */
export function parseOpenAiResponse(response: { status: number; requestId: string | null; body: unknown }): CanonicalAnswer {
  const { status, requestId, body } = response
  if (status >= 200 && status < 300) {
    const answer = parseOpenAiBody(body, requestId)
    if (answer !== null) return { ...answer, error: answer.error === null ? null : { ...answer.error, httpStatus: status } }
    return unreadableAnswer(status, requestId)
  }
  const inBody = z.object({ error: errorBody.nullish() }).safeParse(body)
  return failedAnswer(classifyOpenAiError(status, normalize(inBody.data?.error ?? null), requestId))
}

function toAnswer(
  response: { status_code?: number | null | undefined; request_id?: string | null | undefined; body?: unknown } | null,
  error: z.infer<typeof errorBody> | null,
): CanonicalAnswer {
  // The line's own error is for what never became an HTTP response (expired, cancelled); a `response` beside it may then be empty.
  if (error !== null)
    return failedAnswer(classifyOpenAiError(response?.status_code ?? null, normalize(error), response?.request_id ?? null))
  if (response === null) return failedAnswer(classifyOpenAiError(null, null, null))
  return parseOpenAiResponse({ status: response.status_code ?? 0, requestId: response.request_id ?? null, body: response.body })
}

function normalize(error: z.infer<typeof errorBody> | null): OpenAiErrorBody | null {
  if (error === null) return null
  return {
    code: error.code == null ? null : String(error.code),
    message: error.message ?? null,
    type: error.type ?? null,
    param: error.param ?? null,
  }
}
