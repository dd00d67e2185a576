import type { Command } from 'commander'
import type { JobEventJson } from '../../client/batchwright.ts'
import { firstOf, printJsonList, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { parseCount } from '../option-values.ts'
import { oneLine } from '../table.ts'

interface EventsOptions {
  after?: number
  limit?: number
  json?: boolean
}

export function eventsCommand(cli: Cli): Command {
  return createCommand({
    name: 'events',
    group: 'Jobs',
    summary: 'Print the history of a job',
    examples: ['events k7m2', 'events k7m2 --after 20 --json'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--after <N>', 'only events after this number', parseCount)
    .option('--limit <N>', 'events at most', parseCount)
    .option('--json', 'print the events as a JSON array')
    .action(
      runWith(cli, async (reference: string, options: EventsOptions) => {
        const client = cli.client()
        const job = await findJob(client, reference)
        const events = firstOf(
          client.jobs.events(job.id, { after_n: options.after, limit: 1000 }),
          options.limit ?? Number.POSITIVE_INFINITY,
        )
        if (options.json === true) {
          await printJsonList(cli, events)
          return
        }
        for await (const event of events) printLine(cli.stdout, renderEvent(event))
      }),
    )
}

/** `12  2026-11-21T07:00:00.000Z  batch_created  batch=1 provider_batch_id=batch_abc`. */
export function renderEvent({ n, type, data, created_at }: JobEventJson): string {
  const fields = Object.entries(data)
    .filter(([, value]) => value !== null)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'string' && !/[\s"]/.test(value) && value !== '' ? value : JSON.stringify(value)}`,
    )
  return `${String(n).padStart(4)}  ${created_at}  ${oneLine([type, ...fields].join(' '))}`
}
