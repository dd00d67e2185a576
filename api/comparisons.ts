import { isDeepStrictEqual } from 'node:util'
import { parseExactJson } from '../core/exact-json.ts'
import { formatDollars } from '../core/money.ts'
import { readPairs, type ComparedOutcome } from '../db/comparison.ts'
import { loadJob, type JobRow } from '../db/job-state.ts'
import type { AnswerContent } from '../formats/canonical-answer.ts'
import { comparisonParams, comparisonSchema, type Comparison } from './contracts/comparisons.ts'
import type { Dependencies } from './dependencies.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'

const differencesListed = 100
const mostCharacters = 1000

/** `GET /v1/jobs/{id}/compare/{other}`: what two jobs made of the same items. */
export function addComparisonRoutes(router: Router, dependencies: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/compare/{other}',
      summary: 'Compare two jobs item by item: agreement, failures, cost',
      tag: 'jobs',
      params: comparisonParams,
      responses: { 200: jsonAnswer(comparisonSchema, 'What is there so far.') },
    },
    async ({ context, params }) => context.json(await compare(dependencies, params.id, params.other)),
  )
}

async function compare({ database }: Dependencies, firstId: string, secondId: string): Promise<Comparison> {
  const [first, second] = await Promise.all([loadJob(database.drizzle, firstId), loadJob(database.drizzle, secondId)])
  const counts = { common: 0, both_succeeded: 0, agreed: 0, only_first_succeeded: 0, only_second_succeeded: 0 }
  const differences: Comparison['differences'] = []
  for await (const page of readPairs(database, firstId, secondId)) {
    for (const pair of page) {
      if (pair.first === null || pair.second === null) continue
      counts.common += 1
      const [isFirst, isSecond] = [pair.first.status === 'succeeded', pair.second.status === 'succeeded']
      if (isFirst && isSecond) {
        counts.both_succeeded += 1
        if (doAgree(pair.first, pair.second)) {
          counts.agreed += 1
          continue
        }
      } else if (isFirst) counts.only_first_succeeded += 1
      else if (isSecond) counts.only_second_succeeded += 1
      else continue
      if (differences.length < differencesListed)
        differences.push({ custom_id: pair.customId, first: shown(pair.first), second: shown(pair.second) })
    }
  }
  return {
    first: toComparedJob(first),
    second: toComparedJob(second),
    ...counts,
    only_first: first.items - counts.common,
    only_second: second.items - counts.common,
    agreement: counts.both_succeeded === 0 ? null : counts.agreed / counts.both_succeeded,
    differences,
  }
}

function contentOf({ answer }: ComparedOutcome): AnswerContent | null {
  return answer === null ? null : (parseExactJson(answer) as AnswerContent)
}

function doAgree(first: ComparedOutcome, second: ComparedOutcome): boolean {
  const [one, other] = [contentOf(first), contentOf(second)]
  if (one === null || other === null) return one === other
  const calls = (content: AnswerContent) => content.toolCalls.map((call) => [call.name, call.arguments])
  if (!isDeepStrictEqual(calls(one), calls(other))) return false
  if (one.embedding !== null || other.embedding !== null) return isDeepStrictEqual(one.embedding, other.embedding)
  if (one.output !== null && other.output !== null) return isDeepStrictEqual(one.output, other.output)
  return (one.text ?? '').trim() === (other.text ?? '').trim()
}

function shown(outcome: ComparedOutcome): Comparison['differences'][number]['first'] {
  return { status: outcome.status, text: contentOf(outcome)?.text?.slice(0, mostCharacters) ?? null }
}

function toComparedJob(job: JobRow): Comparison['first'] {
  return {
    id: job.id,
    name: job.name,
    provider: job.provider,
    model: job.model,
    simulated: job.simulated,
    items: job.items,
    succeeded: job.succeeded,
    failed: job.failed + job.expired + job.cancelled,
    input_tokens: job.inputTokens,
    output_tokens: job.outputTokens,
    cost_usd: formatDollars(job.costNanos),
  }
}
