import { isSentAgain, outcomeOfClass, type ErrorClass } from '../core/error-classes.ts'
import { roundsAllowed } from '../core/job-spec.ts'
import { costOfUsage, noUsage, type TokenPrices } from '../core/money.ts'
import { mergeResults, type EarlierAttempt, type JudgedResult } from '../db/outcomes.ts'
import type { CanonicalAnswer } from '../formats/canonical-answer.ts'
import { cleanableParameter } from '../formats/cleanable-parameter.ts'
import { checkOutput } from '../formats/json-output.ts'
import type { JsonObject } from '../core/json.ts'
import { retryPolicy, type BatchContext } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'

/** What a batch's results are judged by; the same for all of its lines. */
export interface Bench {
  /** Counted from the job's first round, or from its last `retry`. */
  readonly round: number
  readonly maxRounds: number
  readonly prices: (model: string) => TokenPrices | null
  readonly defaultModel: string
}

export function benchFor(dependencies: ActivityDependencies, { job, spec, batch }: BatchContext, prices: Bench['prices']): Bench {
  return {
    round: batch.round - job.firstRound + 1,
    maxRounds: roundsAllowed(retryPolicy(dependencies, batch.provider, spec), spec.fallback_models ?? []),
    prices,
    defaultModel: batch.model,
  }
}

/** Whether an answer is its item's outcome or one attempt of several. Pure: the same line is judged the same way on every try. */
export function judge(
  bench: Bench,
  seq: number,
  received: CanonicalAnswer,
  raw: string | null,
  schema: JsonObject | null,
  earlier: readonly EarlierAttempt[],
): JudgedResult {
  const answer = withCheckedOutput(received, schema)
  const errorClass = answer.error?.class ?? null
  const model = answer.model ?? bench.defaultModel
  const isBilled = answer.usage.input > 0 || answer.usage.output > 0
  const prices = isBilled ? bench.prices(model) : null
  const again =
    errorClass !== null &&
    isSentAgain(errorClass, {
      earlierClasses: earlier.map((attempt) => attempt.errorClass),
      round: bench.round,
      maxRounds: bench.maxRounds,
      cleanableParameter: answer.error === null ? null : cleanableParameter(answer.error),
    })
  return {
    seq,
    becomes: again ? 'attempt' : 'outcome',
    status: errorClass === null ? 'succeeded' : outcomeOfClass(errorClass),
    errorClass,
    error: answer.error === null ? null : storable(JSON.stringify(answer.error)),
    answer: answer.content === null ? null : JSON.stringify(answer.content),
    warnings: null,
    raw: raw === null ? null : storable(raw),
    finishReason: answer.finishReason,
    model,
    usage: answer.usage,
    cost: !isBilled ? 0n : prices === null ? null : costOfUsage(answer.usage, prices),
    attempts: earlier.length + 1,
  }
}

/** A structured answer must be JSON that fits its schema, or it is no answer. */
function withCheckedOutput(answer: CanonicalAnswer, schema: JsonObject | null): CanonicalAnswer {
  if (schema === null || answer.error !== null || answer.content === null) return answer
  if (answer.content.toolCalls.length > 0) return answer
  const parsed = checkOutput(answer.content.text ?? '', schema)
  if (parsed.ok) return { ...answer, content: { ...answer.content, output: parsed.output } }
  return {
    ...answer,
    error: {
      class: 'invalid_output',
      code: 'invalid_output',
      message: parsed.reason,
      httpStatus: null,
      requestId: null,
      parameter: null,
    },
  }
}

/** An answer for an item that the provider gave none for. */
export function unanswered(errorClass: ErrorClass, code: string, message: string): CanonicalAnswer {
  return {
    content: null,
    error: { class: errorClass, code, message, httpStatus: null, requestId: null, parameter: null },
    finishReason: null,
    usage: noUsage,
    model: null,
  }
}

/** Ends items that can't be sent at all. */
export async function failItems(
  dependencies: ActivityDependencies,
  context: BatchContext,
  refused: ReadonlyArray<{ seq: number; reason: string; code?: string }>,
): Promise<void> {
  const bench = { ...benchFor(dependencies, context, () => null), maxRounds: 0 }
  const judged = refused.map(({ seq, reason, code }) =>
    judge(bench, seq, unanswered('invalid_request', code ?? 'invalid_request', reason), null, null, []),
  )
  await mergeResults(dependencies.database, context.batch, judged)
}

/** Postgres text can't hold a NUL, and JSON never has a raw one: only a broken line does. */
function storable(text: string): string {
  return text.includes('\u0000') ? text.replaceAll('\u0000', '\uFFFD') : text
}
