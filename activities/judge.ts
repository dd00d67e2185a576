import { isSentAgain, outcomeOfClass, type ErrorClass } from '../core/error-classes.ts'
import { BatchwrightError } from '../core/errors.ts'
import { roundsAllowed } from '../core/job-spec.ts'
import { redactJson, type Redact } from '../core/redaction.ts'
import { costOfUsage, noUsage, type TokenPrices, type Usage } from '../core/money.ts'
import { listEarlierAttempts, mergeResults, type EarlierAttempt, type JudgedResult } from '../db/outcomes.ts'
import type { AnswerError, CanonicalAnswer } from '../formats/canonical-answer.ts'
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
  readonly redact: Redact
}

export function benchFor(dependencies: ActivityDependencies, { job, spec, batch }: BatchContext, prices: Bench['prices']): Bench {
  return {
    round: batch.round - job.firstRound + 1,
    maxRounds: roundsAllowed(retryPolicy(dependencies, batch.provider, spec), spec.fallback_models ?? []),
    prices: memoized(prices),
    defaultModel: batch.model,
    redact: dependencies.redact,
  }
}

/** All answers of a batch are of a model or two. */
function memoized(prices: Bench['prices']): Bench['prices'] {
  const known = new Map<string, TokenPrices | null>()
  return (model) => {
    let found = known.get(model)
    if (found === undefined) known.set(model, (found = prices(model)))
    return found
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
  const model = storable(answer.model ?? bench.defaultModel)
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
    error:
      answer.error === null ? null : storable(JSON.stringify({ ...answer.error, message: bench.redact(answer.error.message) })),
    answer: answer.content === null ? null : JSON.stringify(answer.content),
    warnings: null,
    // Of a line without an answer all is the provider's message. An answer is the user's own, whatever is in it.
    raw:
      raw === null ? null : storable(received.error !== null && received.content === null ? redactJson(raw, bench.redact) : raw),
    finishReason: answer.finishReason,
    model,
    usage: answer.usage,
    cost: costOfAnswer(answer.usage, model, bench.prices),
    attempts: earlier.length + 1,
  }
}

/** In nano-dollars; null when something was used and the price is not known. */
export function costOfAnswer(usage: Usage, model: string | null, prices: Bench['prices']): bigint | null {
  if (usage.input === 0 && usage.output === 0) return 0n
  const known = model === null ? null : prices(model)
  return known === null ? null : costOfUsage(usage, known)
}

/**
 * A structured answer must be JSON that fits its schema, or it is no answer. With a schema that can't be used no answer ever will: the item is
 * invalid, and keeps what was answered; to ask again would only be paid again.
 */
function withCheckedOutput(answer: CanonicalAnswer, schema: JsonObject | null): CanonicalAnswer {
  if (schema === null || answer.error !== null || answer.content === null) return answer
  if (answer.content.toolCalls.length > 0) return answer
  try {
    const parsed = checkOutput(answer.content.text ?? '', schema)
    if (parsed.ok) return { ...answer, content: { ...answer.content, output: parsed.output } }
    return { ...answer, error: ownError('invalid_output', 'invalid_output', parsed.reason) }
  } catch (error) {
    if (!(error instanceof BatchwrightError) || error.code !== 'invalid_schema') throw error
    return { ...answer, error: ownError('invalid_request', error.code, `the answer was not checked: ${error.message}`) }
  }
}

/** An error that we found, not the provider. */
function ownError(errorClass: ErrorClass, code: string, message: string): AnswerError {
  return { class: errorClass, code, message, httpStatus: null, requestId: null, parameter: null }
}

/** An answer for an item that the provider gave none for. */
export function unanswered(errorClass: ErrorClass, code: string, message: string): CanonicalAnswer {
  return {
    content: null,
    error: ownError(errorClass, code, message),
    finishReason: null,
    usage: noUsage,
    model: null,
  }
}

/** An item that is not to be sent again, and why. */
export interface RefusedItem {
  readonly seq: number
  readonly reason: string
  readonly code?: string
}

/** Ends items whose lines the provider refused: they were sent for nothing. */
export async function failItems(
  dependencies: ActivityDependencies,
  context: BatchContext,
  refused: readonly RefusedItem[],
): Promise<void> {
  const bench = { ...benchFor(dependencies, context, () => null), maxRounds: 0 }
  await mergeRefused(dependencies, context, refused, ({ seq, reason, code }, earlier) =>
    judge(bench, seq, unanswered('invalid_request', code ?? 'invalid_request', reason), null, null, earlier),
  )
}

/**
 * Ends items that can't be written as a request to this batch's model, so that they were not sent this time. One that was sent before ends as its last
 * sending did: that a fallback model can't take it, either, explains nothing.
 */
export async function failUnsendable(
  dependencies: ActivityDependencies,
  context: BatchContext,
  refused: readonly RefusedItem[],
): Promise<void> {
  const bench = { ...benchFor(dependencies, context, () => null), maxRounds: 0 }
  await mergeRefused(dependencies, context, refused, ({ seq, reason }, earlier) => {
    const last = earlier.at(-1)
    const real = last === undefined ? {} : (JSON.parse(last.error) as Partial<AnswerError>)
    const error =
      last === undefined || real.message === undefined
        ? ownError('invalid_request', 'invalid_request', reason)
        : {
            ...ownError(last.errorClass, last.errorClass, ''),
            ...real,
            message: `${real.message} (${context.batch.model} could not take it after that: ${reason})`,
          }
    const answer: CanonicalAnswer = { content: null, error, finishReason: null, usage: noUsage, model: null }
    return { ...judge(bench, seq, answer, null, null, earlier), model: null, attempts: earlier.length }
  })
}

/** Rows of one merge, as for answers. */
const refusedPerMerge = 1000

/** Merges them in pages, each item with what was tried before. */
async function mergeRefused(
  { database }: ActivityDependencies,
  { batch }: BatchContext,
  refused: readonly RefusedItem[],
  end: (item: RefusedItem, earlier: readonly EarlierAttempt[]) => JudgedResult,
): Promise<void> {
  for (let from = 0; from < refused.length; from += refusedPerMerge) {
    const chunk = refused.slice(from, from + refusedPerMerge)
    const seqs = chunk.map(({ seq }) => seq)
    const earlier = await listEarlierAttempts(database.sql, batch, seqs)
    await mergeResults(
      database,
      batch,
      chunk.map((item) => end(item, earlier.get(item.seq) ?? [])),
    )
  }
}

/** Postgres text can't hold a NUL, and JSON never has a raw one: only a broken line does. */
function storable(text: string): string {
  return text.includes('\u0000') ? text.replaceAll('\u0000', '\uFFFD') : text
}
