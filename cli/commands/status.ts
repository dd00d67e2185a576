import type { Command } from 'commander'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { renderStatus } from '../job-status.ts'

export function statusCommand(cli: Cli): Command {
  return createCommand({
    name: 'status',
    group: 'Jobs',
    summary: 'Show how a job stands',
    examples: ['status k7m2', 'status reviews', 'status k7m2x9qd4hta --json'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--json', 'print the job as JSON')
    .action(
      runWith(cli, async (reference: string, options: { json?: boolean }) => {
        const job = await findJob(cli.client(), reference)
        if (options.json === true) printJson(cli, job)
        else printLine(cli.stdout, renderStatus(job, Date.now()))
      }),
    )
}
