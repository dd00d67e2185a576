import { BatchwrightError } from '../core/errors.ts'
import { readItemLines } from '../db/item-lines.ts'
import type { EarlierAttempt } from '../db/outcomes.ts'
import type { AnswerContent, AnswerError } from '../formats/canonical-answer.ts'
import { cleanableParameter } from '../formats/cleanable-parameter.ts'
import { parseInputLine } from '../formats/input-line.ts'
import type { JobDefaults, Revision } from '../formats/rendering.ts'
import type { Provider } from '../providers/provider.ts'
import { defaultsFor, retryPolicy, type BatchContext } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'

/** What an item's earlier attempts change in its next sending. */
export function revisionAfter(attempts: readonly EarlierAttempt[] | undefined): Revision | undefined {
  if (attempts === undefined || attempts.length === 0) return undefined
  const rejected = attempts.findLast((attempt) => attempt.errorClass === 'invalid_output')
  const refused = attempts.findLast((attempt) => attempt.errorClass === 'invalid_request')
  const errorOf = (attempt: EarlierAttempt) => JSON.parse(attempt.error) as AnswerError
  const answer = rejected?.answer == null ? null : (JSON.parse(rejected.answer) as AnswerContent)
  return {
    doubleMaxTokens: attempts.some((attempt) => attempt.errorClass === 'truncated'),
    rejectedAnswer:
      rejected === undefined || answer?.text == null ? null : { text: answer.text, reason: errorOf(rejected).message },
    removedParameter: refused === undefined ? null : cleanableParameter(errorOf(refused)),
  }
}

/**
 * What was dropped or changed in these items of a batch, as JSON texts by seq, where it may be other than at their first sending, whose warnings are
 * stored with the items: rendering is pure, so the same comes out as when the batch was written.
 */
export async function warningsOfResent(
  dependencies: ActivityDependencies,
  context: BatchContext,
  provider: Provider,
  seqs: readonly number[],
  earlier: ReadonlyMap<number, readonly EarlierAttempt[]>,
): Promise<Map<number, string>> {
  const defaults = defaultsFor(context, retryPolicy(dependencies, context.batch.provider, context.spec))
  const resent = defaults.modelOverride === null ? seqs.filter((seq) => earlier.has(seq)) : seqs
  const warnings = new Map<number, string>()
  if (resent.length === 0) return warnings
  for await (const page of readItemLines(dependencies.database.sql, context.batch.jobId, resent)) {
    for (const { seq, line } of page) {
      const changed = warningsOf(provider, line.toString(), seq, defaults, revisionAfter(earlier.get(seq)))
      if (changed.length > 0) warnings.set(seq, JSON.stringify(changed))
    }
  }
  return warnings
}

function warningsOf(
  provider: Provider,
  line: string,
  seq: number,
  defaults: JobDefaults,
  revision: Revision | undefined,
): readonly string[] {
  try {
    return provider.render(parseInputLine(line, seq).request, defaults, revision).warnings
  } catch (error) {
    // It was written once, so this is another version of ours: an answer is not given up for its warnings.
    if (error instanceof BatchwrightError) return []
    throw error
  }
}
