import { formatDollars } from '../core/money.ts'
import { sumCosts, sumTwinCosts, type CostSums } from '../db/costs.ts'
import { loadJob } from '../db/job-state.ts'
import { costsSchema } from './contracts/costs.ts'
import { jobParams } from './contracts/jobs.ts'
import type { Dependencies } from './dependencies.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'

/** `GET /v1/jobs/{id}/costs`: what the answers cost, attempts that were asked again included. */
export function addCostRoutes(router: Router, { database }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/costs',
      summary: 'What a job costs, by model and by batch',
      tag: 'jobs',
      params: jobParams,
      responses: { 200: jsonAnswer(costsSchema, 'The costs so far.') },
    },
    async ({ context, params }) => {
      const job = await loadJob(database.drizzle, params.id)
      const [rows, twins] = await Promise.all([sumCosts(database, params.id), sumTwinCosts(database, params.id)])
      const byModel = Map.groupBy(rows, (row) => row.model)
      const byBatch = Map.groupBy(rows, (row) => row.batch)
      return context.json({
        job_id: job.id,
        simulated: job.simulated,
        spent: !job.simulated,
        ...toSumsJson(rows),
        by_model: [...byModel].map(([model, sums]) => ({ model, ...toSumsJson(sums) })),
        by_batch: [...byBatch].map(([batch, sums]) => ({
          batch,
          provider_batch_id: sums[0]?.providerBatchId ?? null,
          round: sums[0]?.round ?? 1,
          ...toSumsJson(sums),
        })),
        twins: { batches: twins.batches, cost_usd: formatDollars(twins.costNanos) },
      })
    },
  )
}

function toSumsJson(rows: readonly CostSums[]) {
  const total = (value: (row: CostSums) => number) => rows.reduce((sum, row) => sum + value(row), 0)
  return {
    answers: total((row) => row.answers),
    input_tokens: total((row) => row.inputTokens),
    output_tokens: total((row) => row.outputTokens),
    cached_tokens: total((row) => row.cachedTokens),
    reasoning_tokens: total((row) => row.reasoningTokens),
    cost_usd: formatDollars(rows.reduce((sum, row) => sum + row.costNanos, 0n)),
    unpriced: total((row) => row.unpriced),
  }
}
