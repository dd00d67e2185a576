import { expect, test } from 'vitest'
import type { Costs } from '../client/batchwright.ts'
import { renderCosts } from './commands/costs.ts'

const sums = {
  answers: 3,
  input_tokens: 30,
  output_tokens: 15,
  cached_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: '0.001500014',
  unpriced: 0,
}

function costs(twins: Costs['twins']): Costs {
  return {
    job_id: 'k7m2x9qd4hta',
    simulated: false,
    spent: true,
    ...sums,
    by_model: [{ model: 'gpt-5-mini', ...sums }],
    by_batch: [{ batch: 1, provider_batch_id: 'batch_one', round: 1, ...sums }],
    twins,
  }
}

test('what twins cost is a line below the table, only when there are any', () => {
  const without = renderCosts(costs({ batches: 0, cost_usd: '0' }))
  expect(without.split('\n').at(-1)).toMatch(/^total .*\$0\.001500014$/)
  expect(renderCosts(costs({ batches: 1, cost_usd: '0.0025' }))).toBe(
    `${without}\nNot in the total: $0.0025 for 1 twin batch, created at the provider beside the batches that count.`,
  )
  expect(renderCosts(costs({ batches: 2, cost_usd: '0.0025' }))).toContain('for 2 twin batches, created')
})
