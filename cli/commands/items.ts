import type { Command } from 'commander'
import type { Item } from '../../client/batchwright.ts'
import type { ErrorClass } from '../../core/error-classes.ts'
import type { ItemStatus } from '../../core/statuses.ts'
import { firstOf, printJsonList, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { parseCount, parseErrorClasses, parseItemStatuses } from '../option-values.ts'
import { formatCount } from '../quantities.ts'
import { renderTable, shorten } from '../table.ts'

interface ItemsOptions {
  status?: ItemStatus[]
  errorClass?: ErrorClass[]
  customId?: string
  limit?: number
  json?: boolean
}

const defaultLimit = 50

export function itemsCommand(cli: Cli): Command {
  return createCommand({
    name: 'items',
    group: 'Answers',
    summary: 'List the items of a job and how each stands',
    examples: [
      'items k7m2 --status failed',
      'items k7m2 --error-class refusal,content_filter --json',
      'items k7m2 --custom-id ticket-0042',
    ],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option(
      '--status <LIST>',
      'only these, separated by commas: pending submitted succeeded failed expired cancelled',
      parseItemStatuses,
    )
    .option('--error-class <LIST>', 'only these classes of error, separated by commas', parseErrorClasses)
    .option('--custom-id <ID>', 'only the item with this id')
    .option('--limit <N>', `items at most (default: ${defaultLimit}, with --json all)`, parseCount)
    .option('--json', 'print the items as a JSON array')
    .action(runWith(cli, async (reference: string, options: ItemsOptions) => await items(cli, reference, options)))
}

async function items(cli: Cli, reference: string, options: ItemsOptions): Promise<void> {
  const client = cli.client()
  const job = await findJob(client, reference)
  const limit = options.limit ?? (options.json === true ? Number.POSITIVE_INFINITY : defaultLimit)
  const found = client.jobs.items(job.id, {
    status: options.status,
    error_class: options.errorClass,
    custom_id: options.customId,
    limit: Math.min(limit + 1, 1000),
  })
  if (options.json === true) {
    await printJsonList(cli, firstOf(found, limit))
    return
  }
  const rows = await Array.fromAsync(firstOf(found, limit + 1))
  if (rows.length === 0) {
    printLine(cli.stderr, 'No such items.')
    return
  }
  printLine(
    cli.stdout,
    renderTable<Item>(
      [
        { title: 'SEQ', value: (item) => String(item.seq), align: 'right' },
        { title: 'CUSTOM_ID', value: (item) => shorten(item.custom_id, 40) },
        { title: 'STATUS', value: (item) => item.status },
        { title: 'ERROR_CLASS', value: (item) => item.error_class ?? '' },
        { title: 'ATTEMPTS', value: (item) => formatCount(item.attempts), align: 'right' },
        { title: 'BATCH', value: (item) => (item.batch === null ? '' : String(item.batch)), align: 'right' },
        { title: 'TOKENS', value: (item) => formatCount(item.tokens), align: 'right' },
      ],
      rows.slice(0, limit),
    ),
  )
  if (rows.length > limit) printLine(cli.stderr, `There are more: --limit ${limit * 10}, or --json for all`)
}
