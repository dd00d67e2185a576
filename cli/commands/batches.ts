import type { Command } from 'commander'
import type { Batch } from '../../client/batchwright.ts'
import { printJsonList, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { formatBytes, formatCount } from '../quantities.ts'
import { renderTable, shorten } from '../table.ts'

export function batchesCommand(cli: Cli): Command {
  return createCommand({
    name: 'batches',
    group: 'Answers',
    summary: "List the provider's batches that a job was sent in",
    examples: ['batches k7m2', 'batches k7m2 --json'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--json', 'print the batches as a JSON array, with every submission')
    .action(
      runWith(cli, async (reference: string, options: { json?: boolean }) => {
        const client = cli.client()
        const job = await findJob(client, reference)
        const batches = client.jobs.batches(job.id)
        if (options.json === true) {
          await printJsonList(cli, batches)
          return
        }
        const rows = await Array.fromAsync(batches)
        if (rows.length === 0) printLine(cli.stderr, 'No batches yet.')
        else printLine(cli.stdout, renderBatches(rows))
      }),
    )
}

function renderBatches(batches: readonly Batch[]): string {
  return renderTable<Batch>(
    [
      { title: 'BATCH', value: (batch) => String(batch.batch), align: 'right' },
      { title: 'ROUND', value: (batch) => String(batch.round), align: 'right' },
      { title: 'STATUS', value: (batch) => batch.result ?? batch.status },
      { title: 'PROVIDER_BATCH_ID', value: (batch) => batch.provider_batch_id ?? '' },
      { title: 'MODEL', value: (batch) => batch.model },
      { title: 'ITEMS', value: (batch) => formatCount(batch.items), align: 'right' },
      { title: 'SIZE', value: (batch) => formatBytes(batch.bytes), align: 'right' },
      { title: 'REPORTED', value: (batch) => (batch.reported === null ? '' : formatCount(batch.reported.done)), align: 'right' },
      { title: 'ANSWERED', value: (batch) => formatCount(batch.answered), align: 'right' },
      { title: 'POLLS', value: (batch) => String(batch.polls), align: 'right' },
      {
        title: 'ERROR',
        value: (batch) => (batch.error === null ? '' : shorten(`${batch.error.code} ${batch.error.message ?? ''}`.trim(), 60)),
      },
    ],
    batches,
  )
}
