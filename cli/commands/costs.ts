import type { Command } from 'commander'
import type { Costs } from '../../client/batchwright.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { countOf, formatCount } from '../quantities.ts'
import { renderTable } from '../table.ts'

export function costsCommand(cli: Cli): Command {
  return createCommand({
    name: 'costs',
    group: 'Answers',
    summary: 'Show what a job has cost so far, by model and batch',
    examples: ['costs k7m2', 'costs reviews --json'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--json', 'print the costs as JSON')
    .action(
      runWith(cli, async (reference: string, options: { json?: boolean }) => {
        const client = cli.client()
        const costs = await client.jobs.costs((await findJob(client, reference)).id)
        if (options.json === true) printJson(cli, costs)
        else printLine(cli.stdout, renderCosts(costs))
      }),
    )
}

type Sums = Pick<Costs, 'answers' | 'input_tokens' | 'output_tokens' | 'cached_tokens' | 'cost_usd'> & { readonly of: string }

export function renderCosts(costs: Costs): string {
  const rows: Sums[] = [
    ...costs.by_model.map((sums) => ({ ...sums, of: sums.model ?? '(model not told)' })),
    ...costs.by_batch.map((sums) => ({ ...sums, of: `batch ${sums.batch}, round ${sums.round}` })),
    { ...costs, of: 'total' },
  ]
  const table = renderTable<Sums>(
    [
      { title: '', value: (row) => row.of },
      { title: 'ANSWERS', value: (row) => formatCount(row.answers), align: 'right' },
      { title: 'INPUT', value: (row) => formatCount(row.input_tokens), align: 'right' },
      { title: 'CACHED', value: (row) => formatCount(row.cached_tokens), align: 'right' },
      { title: 'OUTPUT', value: (row) => formatCount(row.output_tokens), align: 'right' },
      // Exact: this is the place to look when a bill has to fit.
      { title: 'COST', value: (row) => `$${row.cost_usd}`, align: 'right' },
    ],
    rows,
  )
  const notes = [
    ...(costs.spent ? [] : ['Simulated, not spent.']),
    ...(costs.unpriced === 0 ? [] : [`${countOf(costs.unpriced, 'answer')} of models without a known price: not in the cost.`]),
    ...(costs.twins.batches === 0 ? [] : [describeTwins(costs.twins)]),
  ]
  return [table, ...notes].join('\n')
}

function describeTwins({ batches, cost_usd }: Costs['twins']): string {
  const those = countOf(batches, 'twin batch', 'twin batches')
  return `Not in the total: $${cost_usd} for ${those}, created at the provider beside the batches that count.`
}
