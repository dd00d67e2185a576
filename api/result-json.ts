import { parseExactJson } from '../core/exact-json.ts'
import type { Json } from '../core/json.ts'
import { formatDollars } from '../core/money.ts'
import type { JobRow } from '../db/job-state.ts'
import type { RawResult as StoredRawResult, StoredResult } from '../db/results.ts'
import type { AnswerContent, AnswerError, FinishReason } from '../formats/canonical-answer.ts'
import type { ItemError, RawResult, Result } from './contracts/results.ts'

/** A result line (design, section 6). */
export function toResultJson(job: Pick<JobRow, 'provider' | 'simulated'>, stored: StoredResult): Result {
  const answer = stored.answer === null ? null : (parseExactJson(stored.answer) as AnswerContent)
  return {
    custom_id: stored.customId,
    seq: stored.seq,
    status: stored.status,
    finish_reason: stored.finishReason as FinishReason | null,
    text: answer?.text ?? null,
    output: answer?.output ?? null,
    tool_calls: answer?.toolCalls ?? [],
    embedding: answer?.embedding ?? null,
    error: stored.error === null ? null : toErrorJson(stored.error),
    usage: {
      input_tokens: stored.inputTokens,
      output_tokens: stored.outputTokens,
      cached_tokens: stored.cachedTokens,
      cache_write_tokens: stored.cacheWriteTokens,
      reasoning_tokens: stored.reasoningTokens,
    },
    cost_usd: costOf(stored),
    provider: job.provider,
    model: stored.model,
    batch_id: stored.providerBatchId,
    attempts: stored.attempts,
    metadata: stored.metadata === null ? null : (parseExactJson(stored.metadata) as Json),
    // Those of the first sending, and of the one that was answered: mostly the same.
    warnings: [...new Set([...warningsOf(stored.itemWarnings), ...warningsOf(stored.answerWarnings)])],
    simulated: job.simulated,
  }
}

/** The provider's line stays a text: as JSON, numbers and repeated keys would not come back as they were. */
export function toRawResultJson({ customId, seq, status, raw }: StoredRawResult): RawResult {
  return { custom_id: customId, seq, status, raw }
}

/** The error of an outcome or attempt, which is stored as an AnswerError. */
export function toErrorJson(text: string): ItemError {
  const error = JSON.parse(text) as Partial<AnswerError>
  return {
    class: error.class ?? 'unknown',
    code: error.code ?? 'unknown',
    message: error.message ?? '',
    http_status: error.httpStatus ?? null,
    request_id: error.requestId ?? null,
  }
}

/** An item that was never sent has cost nothing; otherwise no number means no known price. */
function costOf(stored: StoredResult): string | null {
  if (stored.costNanos !== null) return formatDollars(stored.costNanos)
  return stored.inputTokens === 0 && stored.outputTokens === 0 ? '0' : null
}

function warningsOf(text: string | null): string[] {
  return text === null ? [] : (JSON.parse(text) as string[])
}
