import type { Command } from 'commander'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { parseCount } from '../option-values.ts'
import { countOf } from '../quantities.ts'

export function startCommand(cli: Cli): Command {
  return createCommand({
    name: 'start',
    group: 'Start',
    summary: 'Let a draft run (submit --draft); nothing can be added afterwards',
    examples: ['start k7m2', 'start k7m2 --parts 3'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--parts <N>', 'how many parts there must be: else nothing starts', parseCount)
    .option('--json', 'print the job as JSON')
    .action(
      runWith(cli, async (reference: string, { parts, json = false }: { parts?: number; json?: boolean }) => {
        const client = cli.client()
        const { id } = await findJob(client, reference)
        const job = await client.jobs.start(id, { parts })
        if (json) printJson(cli, job)
        else
          printLine(
            cli.stderr,
            `Job ${job.id} is started: ${countOf(job.counts.total, 'item')}. Watch it with: batchwright watch ${job.id}`,
          )
      }),
    )
}
