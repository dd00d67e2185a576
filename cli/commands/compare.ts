import type { Command } from 'commander'
import type { Comparison } from '../../client/batchwright.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { countOf, formatCount } from '../quantities.ts'
import { renderTable } from '../table.ts'

const differencesShown = 5
const charactersShown = 100

export function compareCommand(cli: Cli): Command {
  return createCommand({
    name: 'compare',
    group: 'Answers',
    summary: 'Compare what two jobs made of the same items: agreement, failures, cost',
    examples: ['compare reviews reviews-haiku', 'compare k7m2 q3x9 --json'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .argument('<JOB>', 'the other one; items are matched by their custom_id')
    .option('--json', 'print the comparison as JSON')
    .action(
      runWith(cli, async (first: string, second: string, options: { json?: boolean }) => {
        const client = cli.client()
        const [one, other] = [await findJob(client, first), await findJob(client, second)]
        const comparison = await client.jobs.compare(one.id, other.id)
        if (options.json === true) printJson(cli, comparison)
        else printLine(cli.stdout, renderComparison(comparison))
      }),
    )
}

export function renderComparison(comparison: Comparison): string {
  const table = renderTable<Comparison['first']>(
    [
      { title: 'JOB', value: (job) => job.name ?? job.id },
      { title: 'MODEL', value: (job) => [job.provider, job.model].filter((part) => part !== null).join('/') },
      { title: 'ITEMS', value: (job) => formatCount(job.items), align: 'right' },
      { title: 'SUCCEEDED', value: (job) => formatCount(job.succeeded), align: 'right' },
      { title: 'FAILED', value: (job) => formatCount(job.failed), align: 'right' },
      { title: 'OUTPUT', value: (job) => formatCount(job.output_tokens), align: 'right' },
      { title: 'COST', value: (job) => `$${job.cost_usd}${job.simulated ? ' (simulated)' : ''}`, align: 'right' },
    ],
    [comparison.first, comparison.second],
  )
  const { agreement, agreed, both_succeeded: both, differences } = comparison
  const shown = differences.slice(0, differencesShown)
  return [
    table,
    '',
    agreement === null
      ? 'No item succeeded in both.'
      : `The same answer to ${formatCount(agreed)} of ${countOf(both, 'item')} that succeeded in both (${(agreement * 100).toFixed(1)} %)`,
    `Succeeded in the first only: ${formatCount(comparison.only_first_succeeded)}, in the second only: ${formatCount(comparison.only_second_succeeded)}`,
    ...(comparison.only_first + comparison.only_second === 0
      ? []
      : [
          `Not in both jobs: ${countOf(comparison.only_first, 'item')} of the first, ${formatCount(comparison.only_second)} of the second`,
        ]),
    ...shown.flatMap(({ custom_id: customId, first, second }) => ['', customId, `  1: ${brief(first)}`, `  2: ${brief(second)}`]),
    ...(differences.length > shown.length ? ['', 'More differences: --json'] : []),
  ].join('\n')
}

function brief({ status, text }: Comparison['differences'][number]['first']): string {
  if (text === null) return `(${status ?? 'no outcome yet'})`
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > charactersShown ? `${line.slice(0, charactersShown - 1)}…` : line
}
