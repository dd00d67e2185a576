import { parseExactJson } from '../core/exact-json.ts'
import { noUsage } from '../core/money.ts'
import type { AnswerError, CanonicalAnswer, ProviderResult } from './canonical-answer.ts'

/** An answer that is only an error, with nothing used. */
export function failedAnswer(error: AnswerError): CanonicalAnswer {
  return { content: null, error, finishReason: null, usage: noUsage, model: null }
}

/** A 2xx response that has no form we know. */
export function unreadableAnswer(httpStatus: number | null, requestId: string | null): CanonicalAnswer {
  return failedAnswer({
    class: 'unknown',
    code: 'unreadable_answer',
    message: 'the answer has no known form',
    httpStatus,
    requestId,
    parameter: null,
  })
}

/** Of a line that is no result: not JSON, or of no form we know. */
export const unreadableLineCode = 'unreadable_line'

/** A line of a result file that can't be read: its id where it can be found, and class `unknown`. The caller records it and merges nothing. */
export function unreadableLine(line: string, itemId: unknown, message: string): ProviderResult {
  return {
    itemId: typeof itemId === 'string' ? itemId : null,
    answer: failedAnswer({
      class: 'unknown',
      code: unreadableLineCode,
      message,
      httpStatus: null,
      requestId: null,
      parameter: null,
    }),
    raw: line,
  }
}

/** A line as JSON, or what it is instead. `idField` is where a line has its id. */
export function parseResultLine(
  line: string,
  idField: 'custom_id' | 'key' = 'custom_id',
): { readonly value: unknown } | { readonly broken: ProviderResult } {
  try {
    return { value: parseExactJson(line) }
  } catch {
    const id = new RegExp(`"${idField}"\\s*:\\s*"([^"\\\\]+)"`).exec(line)?.[1]
    return { broken: unreadableLine(line, id, 'the line is not JSON') }
  }
}

/** For a line that is JSON but no result; `field` is where it departs. */
export function notAResult(
  line: string,
  value: unknown,
  field: string,
  idField: 'custom_id' | 'key' = 'custom_id',
): ProviderResult {
  const id = (value as Partial<Record<string, unknown>> | null)?.[idField]
  return unreadableLine(line, id, `the line is not a result: ${field}`)
}
